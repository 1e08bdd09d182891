// A member of a group who knows all that a member knows, and breaks one rule at a time: what it sends has good
// signatures, tags and keys in all other respects, so that a refusal is for that rule and no other. Used by the tests
// of what must be refused; takes its knowledge from a saved state.
#pragma once

#include "mls/framing.hpp"
#include "mls/welcome.hpp"
#include "tests/mls/group_fixture.hpp"

namespace shearline::mls::testing {

// Where a commit differs from an honest one. Each is called at the step it names.
struct Deviation {
  // NOLINTBEGIN(readability-redundant-member-init): g++ asks for it where some are left out
  std::function<void(LeafNode&)> path_leaf = {};         // before the committer signs it
  std::function<void(LeafNode&)> signed_path_leaf = {};  // after
  std::function<void(UpdatePath&)> path = {};            // as it goes into the commit
  std::function<void(Bytes&)> confirmation_tag = {};
  std::function<void(Bytes&)> membership_tag = {};  // of a PublicMessage
  // NOLINTEND(readability-redundant-member-init)
};

// Where a Welcome differs from an honest one, in the order in which it is made: what comes later fits what an earlier
// deviation changed, so that a wrong tree has the right hash, and a wrong context the right tag and signature.
struct WelcomeDeviation {
  // NOLINTBEGIN(readability-redundant-member-init): g++ asks for it where some are left out
  std::function<void(RatchetTree&)> tree = {};
  std::function<void(GroupContext&)> context = {};
  std::function<void(GroupInfo&)> info = {};         // before it is signed
  std::function<void(GroupInfo&)> signed_info = {};  // after
  std::function<void(Bytes&)> sealed_info = {};
  std::function<void(GroupSecrets&)> secrets = {};
  std::function<void(Welcome&)> welcome = {};  // as it goes out
  // NOLINTEND(readability-redundant-member-init)
};

class Insider {
 public:
  explicit Insider(const Group& group);

  FramedContent content(std::variant<Plaintext, Proposal, Commit> body) const;
  AuthenticatedContent sign(FramedContent content, WireFormat wire_format) const;

  Bytes as_public(AuthenticatedContent message, const Deviation& deviation = {}) const;
  // Spends a generation of `ratchets`. Whatever is given as padding stands where zeros belong.
  Bytes as_private(const AuthenticatedContent& message, Random& random);
  Bytes as_private_padded_with(const AuthenticatedContent& message, ByteView padding);

  Bytes proposal(const Proposal& what) const;  // as a PublicMessage
  // A commit of these proposals by value, as a PublicMessage. Proposals that are not valid together are sent as
  // they are, over the tree as it was.
  Bytes commit(const std::vector<Proposal>& proposals, World& world, const Deviation& deviation = {},
               bool with_path = true) const;
  Bytes commit(Commit body, const std::vector<ListedProposal>& listed, World& world,
               const Deviation& deviation, bool with_path) const;
  // As if our commit had added `joiner`, with a path: nobody but the members can tell that there was no commit.
  Bytes welcome(const KeyPackage& joiner, World& world, const WelcomeDeviation& deviation = {}) const;

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
