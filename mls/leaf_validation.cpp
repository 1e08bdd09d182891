#include "mls/leaf_validation.hpp"

#include "mls/hpke_kem.hpp"

namespace shearline::mls {
namespace {

Status check_listed(const Types& required, const Types& listed, bool (*is_default)(std::uint16_t),
                    std::string_view what) {
  for (const std::uint16_t type : required) {
    if (!is_default(type) && !lists(listed, type)) return broken("11.1", what);
  }
  return {};
}

Status check_required(const RequiredCapabilities& required, const Capabilities& own) {
  const auto never = [](std::uint16_t) { return false; };
  Status all = check_listed(required.extensions, own.extensions, is_default_extension,
                            "a required extension is not among the leaf's capabilities");
  if (all) {
    all = check_listed(required.proposals, own.proposals, is_default_proposal,
                       "a required proposal is not among the leaf's capabilities");
  }
  if (all) {
    all = check_listed(required.credentials, own.credentials, never,
                       "a required credential is not among the leaf's capabilities");
  }
  return all;
}

Status check_credential(const LeafNode& leaf) {
  // With basic as the only type that is accepted, "supported by all members" comes down to listing it.
  if (leaf.credential.type != credential_type::basic)
    return refused("5.3", "only basic credentials are accepted");
  if (!lists(leaf.capabilities.credentials, leaf.credential.type)) {
    return broken("7.3", "the leaf's credential type is not among its capabilities");
  }
  return {};
}

// On joining, nobody's leaf has to be fresh: it may have expired since its member was added.
Status check_lifetime(const LeafNode& leaf, Occasion occasion, const LeafRules& rules) {
  if (leaf.source != LeafNodeSource::key_package || occasion == Occasion::join) return {};
  const auto [not_before, not_after] = leaf.lifetime;
  if (not_after < not_before) return broken("7.3", "the leaf's lifetime ends before it begins");
  if (not_after - not_before > rules.lifetime_seconds_max) {
    return broken("7.2", "the leaf's lifetime is longer than the longest acceptable");
  }
  if (rules.now_s < not_before) return broken("7.3", "the leaf is not valid yet");
  if (rules.now_s > not_after) return broken("7.3", "the leaf has expired");
  return {};
}

Status check_source(const LeafNode& leaf, const LeafNode* replaced, Occasion occasion) {
  const auto is = [&](LeafNodeSource source) { return leaf.source == source; };
  if (occasion == Occasion::add && !is(LeafNodeSource::key_package)) {
    return broken("7.3", "the leaf_node_source in a key package is not key_package");
  }
  if (occasion == Occasion::update && !is(LeafNodeSource::update)) {
    return broken("7.3", "the leaf_node_source in an Update is not update");
  }
  if (occasion == Occasion::path && !is(LeafNodeSource::commit)) {
    return broken("7.3", "the leaf_node_source in an update path is not commit");
  }
  if (replaced != nullptr && replaced->encryption_key == leaf.encryption_key) {
    return broken("7.3", "the new leaf has the encryption key of the old one");
  }
  return {};
}

}  // namespace

Status check_capabilities(const LeafNode& leaf, CipherSuite suite,
                          const Extensions& group_context_extensions) {
  const Capabilities& own = leaf.capabilities;
  if (!lists(own.versions, protocol_version_mls10))
    return broken("7.3", "the leaf's client does not speak mls10");
  if (!lists(own.cipher_suites, static_cast<std::uint16_t>(suite))) {
    return broken("7.3", "the leaf's client does not support the cipher suite");
  }
  for (const Extension& extension : leaf.extensions) {
    if (!is_default_extension(extension.type) && !lists(own.extensions, extension.type)) {
      return broken("7.3", "an extension of the leaf is not among its capabilities");
    }
  }
  for (const Extension& extension : group_context_extensions) {
    if (!is_default_extension(extension.type) && !lists(own.extensions, extension.type)) {
      return broken("13.4", "an extension of the group is not among the leaf's capabilities");
    }
  }
  const auto required = required_capabilities(group_context_extensions);
  if (!required) return pass_on(required.error());
  return *required ? check_required(**required, own) : Status{};
}

Status validate_leaf(const LeafNode& leaf, LeafIndex at, const LeafNode* replaced, Occasion occasion,
                     const LeafRules& rules) {
  if (Status sound = check_source(leaf, replaced, occasion); !sound) return sound;
  if (Status sound = check_credential(leaf); !sound) return sound;
  if (Status sound = check_capabilities(leaf, rules.cipher_suite, rules.group_context_extensions); !sound) {
    return sound;
  }
  if (Status sound = check_lifetime(leaf, occasion, rules); !sound) return sound;
  if (!hpke::is_public_key(hpke_of(rules.cipher_suite).kem, leaf.encryption_key)) {
    return broken("5.1.1", "the leaf's encryption key is no public key of the suite");
  }
  if (!leaf_signature_is_valid(rules.cipher_suite, leaf, {.group_id = rules.group_id, .leaf = at})) {
    return broken("7.3", "the leaf's signature does not verify");
  }
  return rules.identities ? rules.identities({.occasion = occasion, .leaf = leaf, .replaced = replaced})
                          : Status{};
}

Status validate_key_package(const KeyPackage& key_package, const LeafRules& rules) {
  if (key_package.cipher_suite != rules.cipher_suite) {
    return broken("10.1", "the key package is of another cipher suite than the group");
  }
  if (key_package.init_key == key_package.leaf_node.encryption_key) {
    return broken("10.1", "the key package's init key is its encryption key");
  }
  if (!hpke::is_public_key(hpke_of(rules.cipher_suite).kem, key_package.init_key)) {
    return broken("10", "the key package's init key is no public key of the suite");
  }
  if (!key_package_signature_is_valid(key_package)) {
    return broken("10.1", "the key package's signature does not verify");
  }
  return validate_leaf(key_package.leaf_node, {}, nullptr, Occasion::add, rules);
}

}  // namespace shearline::mls
