#include "tests/fuzz/mls_liar.hpp"

namespace shearline::fuzz {
namespace {

using namespace mls;

template <class Value>
void tell(const std::function<void(Value&)>& lie, Value& value) {
  if (lie) lie(value);
}

Bytes encoded(const GroupContext& context) {
  return encode([&](Writer& out) { write(out, context); });
}

}  // namespace

Liar::Draft Liar::draft(Commit body, const std::vector<ListedProposal>& listed, const Outside& outside,
                        const Lies& lies, bool with_path, WireFormat wire_format) const {
  Draft out;
  out.tree = tree;
  out.context = context;
  ++out.context.epoch;
  const auto applied = apply_proposals(listed, leaf, out.tree,
                                       {.cipher_suite = context.cipher_suite,
                                        .group_id = context.group_id,
                                        .group_context_extensions = context.extensions,
                                        .now_s = outside.now_s,
                                        .identities = outside.identities});
  if (applied) {
    out.context.extensions = applied->extensions;
    out.added = applied->added;
  } else {
    out.tree = tree;
  }
  auto psks = psk_secret(applied ? applied->psks : std::vector<PreSharedKeyId>(), outside.pre_shared_keys);
  out.psk_secret = psks ? std::move(*psks) : zero_secret();
  if (with_path) draft_path(out, body, outside, lies);
  out.context.tree_hash = to_bytes(out.tree.tree_hash());

  FramedContent framed = content(std::move(body));
  tell(lies.content, framed);
  out.message = sign(std::move(framed), wire_format);
  out.context.confirmed_transcript_hash =
      to_bytes(confirmed_transcript_hash(interim_transcript_hash, out.message));
  const Bytes next = encoded(out.context);
  const Key commit_secret = out.path ? out.path->commit_secret.clone() : zero_secret();
  out.joiner_secret = derive_joiner_secret(secrets.init_secret, commit_secret, next);
  const EpochSecrets next_secrets =
      derive_epoch_secrets(derive_epoch_secret(out.joiner_secret, out.psk_secret, next));
  out.message.auth.confirmation_tag =
      confirmation_tag(next_secrets.confirmation_key, out.context.confirmed_transcript_hash);
  tell(lies.confirmation_tag, out.message.auth.confirmation_tag);
  return out;
}

// Keys, the leaf as the lies want it, and the path sealed for what the tree is then.
void Liar::draft_path(Draft& out, Commit& body, const Outside& outside, const Lies& lies) const {
  out.path = make_path(context.cipher_suite, out.tree, leaf, *out.tree.leaf(leaf), signature_key,
                       context.group_id, keys, outside.random);
  LeafNode own = *out.tree.leaf(leaf);
  if (lies.path_key) own.parent_hash = place_other_keys(out, lies);
  tell(lies.path_leaf, own);
  sign_leaf_node(own, signature_key, {.group_id = context.group_id, .leaf = leaf});
  tell(lies.signed_path_leaf, own);
  out.tree.replace_leaf(leaf, std::move(own));
  out.context.tree_hash = to_bytes(out.tree.tree_hash());
  body.path = mls::testing::value_of(encrypt_path(context.cipher_suite, out.tree, leaf, *out.path,
                                                  encoded(out.context), out.added, outside.random));
  tell(lies.path, *body.path);
}

// The path with keys that its secrets do not give, and parent hashes that vouch for them. Gives the leaf's.
Bytes Liar::place_other_keys(Draft& out, const Lies& lies) {
  Bytes parent_hash;
  for (std::size_t i = out.path->steps.size(); i-- > 0;) {
    const auto [node, copath] = out.path->steps[i].at;
    ParentNode changed = *out.tree.parent(node);
    changed.parent_hash = std::move(parent_hash);
    lies.path_key(changed.encryption_key);
    out.tree.set_parent(node, std::move(changed));
    parent_hash = out.tree.parent_hash(node, copath);
  }
  return parent_hash;
}

}  // namespace shearline::fuzz
