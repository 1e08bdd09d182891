// RFC 9420 section 12.4.3.1: joining by a Welcome.
#include "mls/group.hpp"
#include "mls/tree_validation.hpp"

namespace shearline::mls {
namespace {

Result<RatchetTree> tree_of(const GroupInfo& info, ByteView from_elsewhere) {
  const Extension* const carried = find_extension(info.extensions, extension_type::ratchet_tree);
  if (carried == nullptr && from_elsewhere.empty()) {
    return fail(Code::not_found,
                rule_text("12.4.3.3", "the Welcome has no ratchet_tree, and none was given"));
  }
  return decode_whole(carried != nullptr ? ByteView(carried->data) : from_elsewhere, read_ratchet_tree);
}

std::optional<LeafIndex> leaf_that_is(const RatchetTree& tree, const LeafNode& wanted) {
  for (LeafIndex at{0}; at.value < tree.leaf_count(); ++at.value) {
    const LeafNode* const leaf = tree.leaf(at);
    if (leaf != nullptr && *leaf == wanted) return at;
  }
  return std::nullopt;
}

// The signer's leaf vouches for the GroupInfo, the GroupInfo for the tree, and the tree for itself.
Status check_group_info(const GroupInfo& info, RatchetTree& tree, CipherSuite suite, const Outside& outside) {
  if (info.group_context.cipher_suite != suite) {
    return broken("12.4.3.1", "the GroupInfo is of another cipher suite than the key package");
  }
  const LeafNode* const signer = tree.leaf(info.signer);
  if (signer == nullptr) return broken("12.4.3.1", "the leaf of the GroupInfo's signer is blank");
  if (!group_info_signature_is_valid(info, signer->signature_key)) {
    return broken("12.4.3.1", "the GroupInfo's signature does not verify");
  }
  if (!equal(tree.tree_hash(), info.group_context.tree_hash)) {
    return broken("12.4.3.1", "the tree's hash is not the one in the GroupInfo");
  }
  return validate_tree(tree, {.cipher_suite = suite,
                              .group_id = info.group_context.group_id,
                              .group_context_extensions = info.group_context.extensions,
                              .now_s = outside.now_s,
                              .lifetime_seconds_max = outside.lifetime_seconds_max,
                              .identities = outside.identities});
}

}  // namespace

Result<Group::Joined> Group::join(ByteView welcome, const OwnKeyPackage& own, const Outside& outside,
                                  ByteView tree_bytes) {
  const Result<MlsMessage> message = decode_message(welcome);
  if (!message) return pass_on(message.error());
  const Welcome* const received = std::get_if<Welcome>(&*message);
  if (received == nullptr) return broken("12.4.3.1", "the message is no Welcome");
  const Result<GroupSecrets> secrets = open_group_secrets(*received, own);
  if (!secrets) return pass_on(secrets.error());
  const Result<Key> psks = psk_secret(secrets->psks, outside.pre_shared_keys);
  if (!psks) return pass_on(psks.error());
  if (secrets->joiner_secret.size() != hash_bytes)
    return broken("12.4.3.1", "the joiner secret is not Nh bytes");
  Result<GroupInfo> info = open_group_info(*received, derive_welcome_secret(secrets->joiner_secret, *psks));
  if (!info) return pass_on(info.error());

  const CipherSuite suite = received->cipher_suite;
  Result<RatchetTree> tree = tree_of(*info, tree_bytes);
  if (!tree) return pass_on(tree.error());
  if (const Status sound = check_group_info(*info, *tree, suite, outside); !sound)
    return pass_on(sound.error());
  const std::optional<LeafIndex> own_leaf = leaf_that_is(*tree, own.key_package.leaf_node);
  if (!own_leaf) return broken("12.4.3.1", "no leaf of the tree is the one of our key package");
  TreePrivateKeys keys;
  keys.set(tree_math::node_of(*own_leaf), own.encryption_key.clone());
  if (secrets->path_secret) {
    const Status set = set_path_secret(suite, *tree, info->signer, *own_leaf, *secrets->path_secret, keys);
    if (!set) return pass_on(set.error());
  }

  Bytes encoded_context = encode([&](Writer& out) { write(out, info->group_context); });
  const Key epoch_secret = derive_epoch_secret(secrets->joiner_secret, *psks, encoded_context);
  NewEpoch entered = start_epoch(std::move(info->group_context), std::move(encoded_context), std::move(*tree),
                                 derive_epoch_secrets(epoch_secret));
  if (!equal_in_constant_time(entered.confirmation_tag, info->confirmation_tag)) {
    return broken("12.4.3.1", "the GroupInfo's confirmation tag does not fit");
  }
  Group group;
  group.epoch_ = std::move(entered.epoch);
  group.own_leaf_ = *own_leaf;
  group.signature_key_ = own.signature_key;
  group.keys_ = std::move(keys);
  group.secrets_ = std::move(entered.secrets);
  return Joined{.group = std::move(group), .signer = info->signer};
}

}  // namespace shearline::mls
