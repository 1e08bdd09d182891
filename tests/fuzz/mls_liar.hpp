// An insider who lies in more than one place at once, and who may know a pre-shared key: makes commits for the fuzzers of
// MLS, and what a Welcome needs to know of them.
#pragma once

#include "mls/transcript_hash.hpp"
#include "tests/mls/insider.hpp"

namespace shearline::fuzz {

// Where a commit differs from an honest one. Each is called at the step it names.
struct Lies {
  // NOLINTBEGIN(readability-redundant-member-init): g++ asks for it where some are left out
  std::function<void(Bytes&)> path_key = {};                  // of each new parent node, from the root down
  std::function<void(mls::LeafNode&)> path_leaf = {};         // before the committer signs it
  std::function<void(mls::LeafNode&)> signed_path_leaf = {};  // after
  std::function<void(mls::UpdatePath&)> path = {};            // as it goes into the commit
  std::function<void(mls::FramedContent&)> content = {};      // before it is signed
  std::function<void(Bytes&)> confirmation_tag = {};
  // NOLINTEND(readability-redundant-member-init)
};

class Liar : public mls::testing::Insider {
 public:
  using Insider::Insider;

  // A commit before it is framed, and the epoch it would start.
  struct Draft {
    mls::AuthenticatedContent message;
    mls::RatchetTree tree;
    mls::GroupContext context;
    std::vector<mls::LeafIndex> added;
    std::optional<mls::NewPath> path;
    Key joiner_secret;
    Key psk_secret;
  };
  // Proposals that are not valid together are sent as they are, over the tree as it was.
  Draft draft(mls::Commit body, const std::vector<mls::ListedProposal>& listed, const mls::Outside& outside,
              const Lies& lies, bool with_path, mls::WireFormat wire_format) const;

 private:
  void draft_path(Draft& out, mls::Commit& body, const mls::Outside& outside, const Lies& lies) const;
  static Bytes place_other_keys(Draft& out, const Lies& lies);
};

}  // namespace shearline::fuzz
