// RFC 9420 sections 11, 12, 14 and 15: a group as one member sees it. The face of this room: distribution and
// the CLI use this, key packages and MLSMessages' bytes, and nothing else of it.
//
// A Group is a value. Every operation leaves it as it is and returns the state that follows, with the bytes to
// send. The caller keeps both states until it knows: it saves the next one, then sends, then drops the old one;
// or drops the next one, as if nothing had happened. Two rules come with that:
// - Save before you send (serialize), or a crash sends the same generation of a ratchet twice.
// - Go on from `next` only: what is done twice from one state uses one key twice.
// Copies share what does not change, so a clone costs about as much as its ratchets. No thread of its own, no
// clock, no I/O, no global state; a Group and its clones may be used from different threads.
#pragma once

#include "mls/leaf_validation.hpp"
#include "mls/message.hpp"
#include "mls/proposal_list.hpp"
#include "mls/ratchet_tree.hpp"
#include "mls/secret_tree.hpp"
#include "mls/treekem.hpp"

namespace shearline::mls {

// What an operation needs from outside.
struct Outside {
  Random& random;
  std::uint64_t now_s = 0;              // seconds since 1970
  const IdentityCheck& identities;      // asked at join, add, update and path; empty: everybody is accepted
  PskLookup pre_shared_keys = nullptr;  // section 8.4; empty: what names a PSK is refused
  std::uint64_t lifetime_seconds_max = key_package_lifetime_seconds_max;  // of whoever is added
};

// Whether this state may speak.
enum class Standing : std::uint8_t {
  current = 1,
  // Restored from what may not be the last thing saved: reads and follows, but neither commits nor sends,
  // because it might use a key a second time and nobody could follow a fork.
  possibly_old = 2,
  removed = 3,  // by a commit: reads what is late, no more
};

// Valid as long as a state of the epoch it was read from.
struct Member {
  LeafIndex leaf;
  const Credential& credential;
  const Bytes& signature_key;
};

// A saved state. `secret_state` names the public part it belongs to. Whoever stores the two encrypts the
// secret one (security.md "MLS state").
struct SavedGroup {
  Bytes public_state;
  Key secret_state;
};

class Group;

struct CommitRequest {
  std::vector<Proposal> proposals;  // by value: Add, Remove, PreSharedKey, GroupContextExtensions
  // Proposals that came (or were sent) in this epoch go in by reference, the preferred one of two about one member
  // (section 12.2), as far as they are valid together and with those by value; what that is is found in at most
  // commit_trials_max trials.
  bool with_received_proposals = true;
  bool with_path = true;  // even where section 12.4 does not demand one
};

class Group {
 public:
  struct Sent;
  struct Committed;
  struct Accepted;
  struct Received;
  struct Joined;

  Group(Group&&) noexcept = default;
  Group& operator=(Group&&) noexcept = default;
  Group clone() const { return *this; }

  // ---- becoming a member ----

  // Section 11. Epoch 0, with the key package's owner as leaf 0. invalid: the key package is not valid here.
  static Result<Group> create(const OwnKeyPackage& own, ByteView group_id, Extensions extensions,
                              const Outside& outside);
  // Section 12.4.3.1, of a Welcome MLSMessage. `tree`: an encoded ratchet_tree, where the Welcome has none.
  // The key package is spent by a success: forget it and its init key. not_found: the Welcome is not for it.
  static Result<Joined> join(ByteView welcome, const OwnKeyPackage& own, const Outside& outside,
                             ByteView tree = {});

  // ---- 12.1: proposing ----

  // Section 12.1.1. invalid: the key package is not valid here.
  Result<Sent> propose_add(const KeyPackage& key_package, const Outside& outside) const;
  // Section 12.1.2: a fresh encryption key for our leaf.
  Result<Sent> propose_update(const Outside& outside) const;
  // Section 12.1.3. invalid: the leaf is blank.
  Result<Sent> propose_remove(LeafIndex leaf, const Outside& outside) const;
  // The state without the proposals of this epoch, for who will not commit them.
  Group forget_proposals() const;

  // ---- 12.4: committing ----

  // Section 12.4.1. The next state is still of this epoch and holds the commit as pending. conflict: another one is
  // pending, or this state may not speak. invalid: the proposals are not valid together.
  Result<Committed> commit(const CommitRequest& request, const Outside& outside) const;
  bool has_pending_commit() const { return pending_ != nullptr; }
  const Bytes& pending_commit() const;  // to send again after a crash; there is one
  // Section 14: the pending commit was accepted by the delivery service. Only now may the Welcome go out.
  Result<Accepted> accept_commit() const;
  Group clear_commit() const;  // it was not

  // ---- 15: application messages ----

  // Section 15: a PrivateMessage. conflict: proposals wait to be committed first (section 12.4), or this state may not speak.
  Result<Sent> protect(ByteView application_data, ByteView authenticated_data, std::size_t padding_bytes,
                       const Outside& outside) const;

  // ---- receiving ----

  // Sections 6, 12.1, 12.4.2 and 15: any PublicMessage or PrivateMessage of this group. not_found: of another group.
  // conflict: of another epoch, or our own. policy_violation: a part of the RFC that is not built. invalid: a rule is broken.
  Result<Received> process(ByteView message, const Outside& outside) const;

  // ---- reading ----

  CipherSuite cipher_suite() const { return epoch_->context.cipher_suite; }
  const Bytes& group_id() const { return epoch_->context.group_id; }
  std::uint64_t epoch() const { return epoch_->context.epoch; }
  const GroupContext& group_context() const { return epoch_->context; }
  const RatchetTree& tree() const { return epoch_->tree; }
  LeafIndex own_leaf() const { return own_leaf_; }
  Standing standing() const { return standing_; }
  std::vector<Member> members() const;
  std::size_t proposal_count() const { return proposals_.size(); }
  // Application messages sent in this epoch; commit before messages_per_epoch_advised_max.
  std::uint32_t sent_in_epoch() const;
  const Key& epoch_authenticator() const { return epoch_->secrets.epoch_authenticator; }  // section 8.7
  Key export_secret(std::string_view label, ByteView context, std::size_t length) const;  // section 8.5

  // ---- 16.6: saving (group_state.cpp) ----

  SavedGroup serialize() const;
  // `standing` is what the caller knows of what it kept: current only if nothing was sent after this was saved.
  // invalid: not a saved state of this version, or its two parts do not belong together.
  static Result<Group> restore(const SavedGroup& saved, Standing standing);

 private:
  struct Epoch {
    GroupContext context;
    Bytes encoded_context;
    RatchetTree tree;
    Bytes interim_transcript_hash;
    EpochSecrets secrets;  // without encryption_secret and confirmation_key, which are spent
  };
  // What is kept to read late messages and to know whose they are: the leaf's owner may have changed since.
  struct PastEpoch {
    std::uint64_t epoch = 0;
    Bytes encoded_context;
    std::vector<std::shared_ptr<const LeafNode>> leaves;
    std::shared_ptr<const Key> sender_data_secret;
    SecretTree secrets;
  };
  struct KnownProposal {
    ProposalRef ref;
    std::shared_ptr<const Proposal> proposal;
    LeafIndex sender;
    std::shared_ptr<const hpke::KeyPair> own_update;  // the new key, if it is our Update
  };
  struct NewEpoch {
    std::shared_ptr<const Epoch> epoch;
    SecretTree secrets;
    Key joiner_secret;
    Bytes confirmation_tag;
  };
  struct PendingCommit {
    std::shared_ptr<const Epoch> epoch;
    SecretTree secrets;
    TreePrivateKeys keys;
    Bytes message;
    std::optional<Bytes> welcome;
  };

  Group() = default;
  Group(const Group&) = default;
  Group& operator=(const Group&) = default;

  // group.cpp
  Status may_send() const;
  LeafRules rules(const Extensions& extensions, const Outside& outside) const;
  AuthenticatedContent framed(std::variant<Plaintext, Proposal, Commit> body,
                              ByteView authenticated_data) const;
  Result<Bytes> seal(const AuthenticatedContent& message, std::size_t padding_bytes, Random& random);
  Result<Sent> propose(Proposal proposal, std::shared_ptr<const hpke::KeyPair> own_update,
                       const Outside& outside) const;
  static NewEpoch start_epoch(GroupContext context, Bytes encoded_context, RatchetTree tree,
                              EpochSecrets secrets);
  Group enter(std::shared_ptr<const Epoch> epoch, SecretTree secrets, TreePrivateKeys keys) const;
  Group leave() const;

  // group_commit.cpp
  std::vector<KnownProposal> committable_proposals(const std::vector<Proposal>& by_value) const;
  struct Draft;
  Result<Draft> draft_commit(const CommitRequest& request, const Outside& outside) const;
  Result<Draft> draft_of(const std::vector<KnownProposal>& received, const std::vector<Proposal>& by_value,
                         const Outside& outside) const;
  std::vector<KnownProposal> valid_together(const std::vector<KnownProposal>& received,
                                            const std::vector<Proposal>& by_value,
                                            const Outside& outside) const;
  Status draft_path(Draft& draft, bool with_path, const Outside& outside) const;
  GroupContext provisional_context(RatchetTree& tree, const Extensions& extensions) const;
  static NewEpoch next_epoch(const Epoch& old, GroupContext context, RatchetTree tree,
                             const AuthenticatedContent& commit, const Key& commit_secret,
                             const Key& psk_secret);
  Result<Bytes> make_welcome(const NewEpoch& next, const AppliedProposals& applied, const NewPath* path,
                             const Key& psk_secret, Random& random) const;

  // group_process.cpp
  Result<Received> process_private(const PrivateMessage& message, const Outside& outside) const;
  Result<Received> process_past(const PrivateMessage& message) const;
  Result<Received> process_public(PublicMessage message, const Outside& outside) const;
  Result<Received> process_content(AuthenticatedContent message, Group next, const Outside& outside) const;
  Result<Received> process_proposal(const AuthenticatedContent& message, Group next,
                                    const Outside& outside) const;
  Result<Received> process_commit(const AuthenticatedContent& message, const Group& next,
                                  const Outside& outside) const;
  Status check_sender(LeafIndex sender) const;
  Result<OpenedPath> follow_path(const UpdatePath& path, LeafIndex committer, RatchetTree& tree,
                                 const AppliedProposals& applied, TreePrivateKeys keys,
                                 const Outside& outside) const;
  Result<std::vector<ListedProposal>> resolve(const Commit& commit, LeafIndex committer,
                                              TreePrivateKeys& keys) const;

  std::shared_ptr<const Epoch> epoch_;
  LeafIndex own_leaf_;
  Standing standing_ = Standing::current;
  SignaturePrivateKey signature_key_;
  TreePrivateKeys keys_;
  SecretTree secrets_;
  std::vector<KnownProposal> proposals_;
  std::shared_ptr<const PendingCommit> pending_;
  std::vector<std::shared_ptr<const PastEpoch>> past_;  // oldest first

  friend struct GroupState;
};

struct Group::Sent {
  Group next;
  Bytes message;  // an MLSMessage
};

struct Group::Committed {
  Group next;     // of the same epoch, with the commit pending
  Bytes message;  // an MLSMessage for the members
};

struct Group::Accepted {
  Group next;                    // of the new epoch
  std::optional<Bytes> welcome;  // an MLSMessage for those added
};

struct Group::Joined {
  Group group;
  LeafIndex signer;  // who sent the Welcome; whether that one may is the caller's to say
};

// ---- what process() found ----

// Read in the sender's epoch: `credential` is who sat at the leaf then.
struct ApplicationMessage {
  std::uint64_t epoch = 0;
  LeafIndex sender;
  Credential credential;
  Plaintext data;
  Bytes authenticated_data;
};
struct ProposalMessage {
  LeafIndex sender;
  std::shared_ptr<const Proposal> proposal;
};
struct EpochChange {
  LeafIndex committer;
  std::vector<LeafIndex> added;
  std::vector<LeafIndex> removed;
  std::vector<LeafIndex> updated;
};
// The commit removed us. It cannot be verified further: the new epoch's keys are not for us.
struct RemovedFromGroup {
  LeafIndex committer;
};

struct Group::Received {
  Group next;
  std::variant<ApplicationMessage, ProposalMessage, EpochChange, RemovedFromGroup> what;
};

}  // namespace shearline::mls
