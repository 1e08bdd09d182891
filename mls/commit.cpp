#include "mls/commit.hpp"

namespace shearline::mls {

void write(Writer& out, const UpdatePath& value) {
  write(out, value.leaf_node);
  out.vector([&] {
    for (const UpdatePathNode& node : value.nodes) {
      out.opaque(node.encryption_key);
      out.vector([&] {
        for (const HpkeCiphertext& secret : node.encrypted_path_secrets) write(out, secret);
      });
    }
  });
}

UpdatePath read_update_path(Reader& in) {
  UpdatePath out;
  out.leaf_node = read_leaf_node(in);
  in.vector([&](Reader& element) {
    UpdatePathNode node;
    node.encryption_key = element.opaque();
    element.vector([&](Reader& secret) {
      if (node.encrypted_path_secrets.size() == tree_leaves_max)
        secret.fail("7.6", "more than 4096 ciphertexts");
      node.encrypted_path_secrets.push_back(read_hpke_ciphertext(secret));
    });
    if (out.nodes.size() == path_nodes_max) element.fail("7.6", "the path is longer than any tree is deep");
    out.nodes.push_back(std::move(node));
  });
  return out;
}

void write(Writer& out, const Commit& value) {
  out.vector([&] {
    for (const ProposalOrRef& proposal : value.proposals) write(out, proposal);
  });
  out.optional(value.path, [&](const UpdatePath& path) { write(out, path); });
}

Commit read_commit(Reader& in) {
  Commit out;
  in.vector([&](Reader& element) {
    if (out.proposals.size() == proposals_per_commit_max) element.fail("12.4", "more than 4096 proposals");
    out.proposals.push_back(read_proposal_or_ref(element));
  });
  if (in.present()) out.path = read_update_path(in);
  return out;
}

}  // namespace shearline::mls
