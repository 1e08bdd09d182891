#include "tests/mls/insider.hpp"

#include "mls/private_message.hpp"
#include "mls/public_message.hpp"
#include "mls/transcript_hash.hpp"

#include <algorithm>

namespace shearline::mls::testing {
namespace {

Bytes encoded(const GroupContext& context) {
  return encode([&](Writer& out) { write(out, context); });
}

template <class Value>
void deviate(const std::function<void(Value&)>& change, Value& value) {
  if (change) change(value);
}

}  // namespace

Insider::Insider(const Group& group) : leaf(group.own_leaf()) {
  const SavedGroup saved = group.serialize();
  Reader open(saved.public_state);
  open.u8();  // version
  context = read_group_context(open);
  interim_transcript_hash = open.opaque();
  tree = read_ratchet_tree(open);
  encoded_context = encoded(context);

  Reader secret(saved.secret_state.reveal());
  secret.u8();
  secret.raw(hash_bytes);
  signature_key = value_of(
      SignaturePrivateKey::from(signature_of(context.cipher_suite), Key::copy_of(secret.opaque_view())));
  for (Key* const key : {&secrets.sender_data_secret, &secrets.exporter_secret, &secrets.membership_key,
                         &secrets.epoch_authenticator, &secrets.init_secret}) {
    *key = Key::copy_of(secret.opaque_view());
  }
  keys = TreePrivateKeys::read_state(secret);
  ratchets = SecretTree::read_state(secret, context.cipher_suite, tree.leaf_count());
  if (!open.ok() || !secret.ok()) throw std::runtime_error("the saved state has another form now");
}

// ---- 6 framing ----

FramedContent Insider::content(std::variant<Plaintext, Proposal, Commit> body) const {
  FramedContent out;
  out.group_id = context.group_id;
  out.epoch = context.epoch;
  out.sender = member(leaf);
  out.body = std::move(body);
  return out;
}

AuthenticatedContent Insider::sign(FramedContent content, WireFormat wire_format) const {
  AuthenticatedContent out{.wire_format = wire_format, .content = std::move(content), .auth = {}};
  out.auth.signature = sign_content(signature_key, wire_format, out.content, encoded_context);
  return out;
}

Bytes Insider::as_public(AuthenticatedContent message, const Deviation& deviation) const {
  PublicMessage sealed = protect_public(std::move(message), secrets.membership_key, encoded_context);
  deviate(deviation.membership_tag, sealed.membership_tag);
  return encode_message(std::move(sealed));
}

Bytes Insider::as_private(const AuthenticatedContent& message, Random& random) {
  return encode_message(value_of(
      protect_private(context.cipher_suite, message, secrets.sender_data_secret, ratchets, 0, random)));
}

// Section 6.3 by hand, as protect_private never would, and with a reuse guard of zeros.
Bytes Insider::as_private_padded_with(const AuthenticatedContent& message, ByteView padding) {
  const Aead aead = aead_of(context.cipher_suite);
  const ContentType type = message.content.content_type();
  const auto [generation, key] = value_of(ratchets.next(
      leaf, type == ContentType::application ? RatchetType::application : RatchetType::handshake));
  PrivateMessage out{.group_id = context.group_id,
                     .epoch = context.epoch,
                     .content_type = type,
                     .authenticated_data = message.content.authenticated_data,
                     .encrypted_sender_data = {},
                     .ciphertext = {}};
  const auto seal = [&](const Key& with, const Key& nonce, bool of_sender, ByteView plain) {
    const Bytes aad = encode([&](Writer& aad_out) {
      aad_out.opaque(out.group_id);
      aad_out.u64(out.epoch);
      aad_out.u8(static_cast<std::uint8_t>(type));
      if (!of_sender) aad_out.opaque(out.authenticated_data);
    });
    return value_of(aead_seal(aead, with, nonce.reveal().first<aead_nonce_bytes>(), aad, plain));
  };
  out.ciphertext = seal(key->key, key->nonce, false, encode([&](Writer& plain) {
                          write_body(plain, message.content);
                          write(plain, message.auth, type);
                          plain.raw(padding);
                        }));
  const ByteView sample = ByteView(out.ciphertext).first(std::min(out.ciphertext.size(), hash_bytes));
  out.encrypted_sender_data =
      seal(expand_with_label(secrets.sender_data_secret, "key", sample, aead_key_bytes(aead)),
           expand_with_label(secrets.sender_data_secret, "nonce", sample, aead_nonce_bytes), true,
           encode([&](Writer& plain) {
             plain.u32(leaf.value);
             plain.u32(generation);
             plain.zeros(4);
           }));
  return encode_message(std::move(out));
}

Bytes Insider::proposal(const Proposal& what) const {
  return as_public(sign(content(what), WireFormat::public_message));
}

// ---- 12.4.1 commits ----

Bytes Insider::commit(const std::vector<Proposal>& proposals, World& world, const Deviation& deviation,
                      bool with_path) const {
  Commit body;
  std::vector<ListedProposal> listed;
  for (const Proposal& one : proposals) {
    body.proposals.emplace_back(one);
    listed.push_back({std::make_shared<const Proposal>(one), leaf});
  }
  return commit(std::move(body), listed, world, deviation, with_path);
}

Bytes Insider::commit(Commit body, const std::vector<ListedProposal>& listed, World& world,
                      const Deviation& deviation, bool with_path) const {
  RatchetTree next_tree = tree;
  GroupContext next = context;
  ++next.epoch;
  const auto applied = apply_proposals(listed, leaf, next_tree,
                                       {.cipher_suite = context.cipher_suite,
                                        .group_id = context.group_id,
                                        .group_context_extensions = context.extensions,
                                        .now_s = world.now_s,
                                        .identities = world.identities});
  if (applied) next.extensions = applied->extensions;
  const std::vector<LeafIndex> added = applied ? applied->added : std::vector<LeafIndex>();
  Key commit_secret = zero_secret();
  if (with_path) {
    if (!applied) next_tree = tree;
    NewPath path = make_path(context.cipher_suite, next_tree, leaf, *next_tree.leaf(leaf), signature_key,
                             context.group_id, keys, world.random);
    LeafNode own = *next_tree.leaf(leaf);
    deviate(deviation.path_leaf, own);
    sign_leaf_node(own, signature_key, {.group_id = context.group_id, .leaf = leaf});
    deviate(deviation.signed_path_leaf, own);
    next_tree.replace_leaf(leaf, std::move(own));
    next.tree_hash = to_bytes(next_tree.tree_hash());
    body.path = value_of(
        encrypt_path(context.cipher_suite, next_tree, leaf, path, encoded(next), added, world.random));
    deviate(deviation.path, *body.path);
    commit_secret = std::move(path.commit_secret);
  }
  next.tree_hash = to_bytes(next_tree.tree_hash());

  AuthenticatedContent message = sign(content(std::move(body)), WireFormat::public_message);
  next.confirmed_transcript_hash = to_bytes(confirmed_transcript_hash(interim_transcript_hash, message));
  const Key joiner = derive_joiner_secret(secrets.init_secret, commit_secret, encoded(next));
  const EpochSecrets new_secrets =
      derive_epoch_secrets(derive_epoch_secret(joiner, zero_secret(), encoded(next)));
  message.auth.confirmation_tag =
      confirmation_tag(new_secrets.confirmation_key, next.confirmed_transcript_hash);
  deviate(deviation.confirmation_tag, message.auth.confirmation_tag);
  return as_public(std::move(message), deviation);
}

// ---- 12.4.3.1 Welcomes ----

Bytes Insider::welcome(const KeyPackage& joiner, World& world, const WelcomeDeviation& deviation) const {
  const CipherSuite suite = context.cipher_suite;
  RatchetTree next_tree = tree;
  const LeafIndex added = value_of(next_tree.add(joiner.leaf_node));
  const NewPath path = make_path(suite, next_tree, leaf, *next_tree.leaf(leaf), signature_key,
                                 context.group_id, keys, world.random);
  deviate(deviation.tree, next_tree);

  GroupContext next = context;
  ++next.epoch;
  next.tree_hash = to_bytes(next_tree.tree_hash());
  next.confirmed_transcript_hash = Bytes(hash_bytes, 7);  // which no joiner can check
  deviate(deviation.context, next);
  const Key joiner_secret = random_key(world.random, hash_bytes);
  const EpochSecrets new_secrets =
      derive_epoch_secrets(derive_epoch_secret(joiner_secret, zero_secret(), encoded(next)));

  GroupInfo info{
      .group_context = next, .extensions = {}, .confirmation_tag = {}, .signer = leaf, .signature = {}};
  info.extensions = {{extension_type::ratchet_tree, encode([&](Writer& out) { write(out, next_tree); })}};
  info.confirmation_tag = confirmation_tag(new_secrets.confirmation_key, next.confirmed_transcript_hash);
  deviate(deviation.info, info);
  sign_group_info(info, signature_key);
  deviate(deviation.signed_info, info);

  Welcome out{.cipher_suite = suite, .secrets = {}, .encrypted_group_info = {}};
  out.encrypted_group_info =
      seal_group_info(suite, info, derive_welcome_secret(joiner_secret, zero_secret()));
  deviate(deviation.sealed_info, out.encrypted_group_info);
  GroupSecrets group_secrets;
  group_secrets.joiner_secret = joiner_secret.clone();
  const NodeIndex ancestor = tree_math::common_ancestor(leaf, added);
  const auto step = std::ranges::find(path.steps, ancestor, [](const auto& one) { return one.at.node; });
  group_secrets.path_secret = step->path_secret.clone();
  deviate(deviation.secrets, group_secrets);
  out.secrets.push_back(value_of(seal_group_secrets(welcome_context(suite, out.encrypted_group_info), joiner,
                                                    group_secrets, world.random)));
  deviate(deviation.welcome, out);
  return encode_message(std::move(out));
}

}  // namespace shearline::mls::testing
