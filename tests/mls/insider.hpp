// A member of a group who knows all that a member knows, and breaks one rule at a time: what it sends has good
// signatures, tags and keys in all other respects, so that a refusal is for that rule and no other. Used by the tests
// of what must be refused; takes its knowledge from a saved state.
#pragma once

#include "mls/private_message.hpp"
#include "mls/public_message.hpp"
#include "mls/transcript_hash.hpp"
#include "tests/mls/group_fixture.hpp"

namespace shearline::mls::testing {

// Where a commit differs from an honest one. Each is called at the step it names.
struct Deviation {
  std::function<void(LeafNode&)> path_leaf = {};         // before the committer signs it
  std::function<void(LeafNode&)> signed_path_leaf = {};  // after
  std::function<void(UpdatePath&)> path = {};            // as it goes into the commit
  std::function<void(Bytes&)> confirmation_tag = {};
  std::function<void(Bytes&)> membership_tag = {};  // of a PublicMessage
};

class Insider {
 public:
  explicit Insider(const Group& group) : leaf(group.own_leaf()) {
    const SavedGroup saved = group.serialize();
    Reader open(saved.public_state);
    open.u8();  // version
    context = read_group_context(open);
    interim_transcript_hash = open.opaque();
    tree = read_ratchet_tree(open);
    encoded_context = encode([&](Writer& out) { write(out, context); });

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
    ratchets = SecretTree::read_state(secret, context.cipher_suite);
    if (!open.ok() || !secret.ok()) throw std::runtime_error("the saved state has another form now");
  }

  FramedContent content(std::variant<Plaintext, Proposal, Commit> body) const {
    FramedContent out;
    out.group_id = context.group_id;
    out.epoch = context.epoch;
    out.sender = member(leaf);
    out.body = std::move(body);
    return out;
  }
  AuthenticatedContent sign(FramedContent content, WireFormat wire_format) const {
    AuthenticatedContent out{.wire_format = wire_format, .content = std::move(content), .auth = {}};
    out.auth.signature = sign_content(signature_key, wire_format, out.content, encoded_context);
    return out;
  }
  Bytes as_public(AuthenticatedContent message, const Deviation& deviation = {}) const {
    PublicMessage sealed = protect_public(std::move(message), secrets.membership_key, encoded_context);
    if (deviation.membership_tag) deviation.membership_tag(sealed.membership_tag);
    return encode_message(std::move(sealed));
  }
  Bytes as_private(const AuthenticatedContent& message, Random& random) {
    return encode_message(value_of(
        protect_private(context.cipher_suite, message, secrets.sender_data_secret, ratchets, 0, random)));
  }
  Bytes proposal(const Proposal& what) const {
    return as_public(sign(content(what), WireFormat::public_message));
  }

  // A commit of these proposals by value, as a PublicMessage. Proposals that are not valid together are sent as
  // they are, over the tree as it was.
  Bytes commit(const std::vector<Proposal>& proposals, World& world, const Deviation& deviation = {},
               bool with_path = true) const {
    Commit body;
    std::vector<ListedProposal> listed;
    for (const Proposal& one : proposals) {
      body.proposals.emplace_back(one);
      listed.push_back({std::make_shared<const Proposal>(one), leaf});
    }
    return commit(std::move(body), listed, world, deviation, with_path);
  }

  Bytes commit(Commit body, const std::vector<ListedProposal>& listed, World& world,
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
      if (deviation.path_leaf) deviation.path_leaf(own);
      sign_leaf_node(own, signature_key, {.group_id = context.group_id, .leaf = leaf});
      if (deviation.signed_path_leaf) deviation.signed_path_leaf(own);
      next_tree.replace_leaf(leaf, std::move(own));
      next.tree_hash = to_bytes(next_tree.tree_hash());
      body.path = value_of(encrypt_path(context.cipher_suite, next_tree, leaf, path,
                                        encode([&](Writer& out) { write(out, next); }), added, world.random));
      if (deviation.path) deviation.path(*body.path);
      commit_secret = std::move(path.commit_secret);
    }
    next.tree_hash = to_bytes(next_tree.tree_hash());

    AuthenticatedContent message = sign(content(std::move(body)), WireFormat::public_message);
    next.confirmed_transcript_hash = to_bytes(confirmed_transcript_hash(interim_transcript_hash, message));
    const Bytes encoded = encode([&](Writer& out) { write(out, next); });
    const Key joiner = derive_joiner_secret(secrets.init_secret, commit_secret, encoded);
    const EpochSecrets new_secrets =
        derive_epoch_secrets(derive_epoch_secret(joiner, zero_secret(), encoded));
    message.auth.confirmation_tag =
        confirmation_tag(new_secrets.confirmation_key, next.confirmed_transcript_hash);
    if (deviation.confirmation_tag) deviation.confirmation_tag(message.auth.confirmation_tag);
    return as_public(std::move(message), deviation);
  }

  LeafIndex leaf;
  GroupContext context;
  Bytes encoded_context;
  Bytes interim_transcript_hash;
  RatchetTree tree;
  SignaturePrivateKey signature_key;
  EpochSecrets secrets;
  TreePrivateKeys keys;
  SecretTree ratchets;
};

inline bool same_state(const SavedGroup& a, const SavedGroup& b) {
  return a.public_state == b.public_state && equal(a.secret_state.reveal(), b.secret_state.reveal());
}

}  // namespace shearline::mls::testing
