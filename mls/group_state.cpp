// A group's state as bytes, for the caller to keep: a public part (trees, contexts, messages) and a secret one
// (keys and ratchets), each with a version, tied together by a hash. RFC 9420 leaves the form to us; section
// 16.6 and the design's "save before you send" say why it must hold everything, pending commit included.
#include "mls/group.hpp"

#include <algorithm>

namespace shearline::mls {

namespace {

constexpr std::uint8_t state_version = 1;

// A past epoch's leaf is mostly the one that sits there now; then one octet says so.
enum class PastLeaf : std::uint8_t { blank = 0, as_now = 1, other = 2 };

Bytes encode_context(const GroupContext& context) {
  return encode([&](Writer& out) { write(out, context); });
}

Key read_key(Reader& in) { return read_saved_key(in, hash_bytes); }

}  // namespace

// The state in the order in which it is written: everything public, then everything secret.
struct GroupState {
  // ---- public ----

  static void write_epoch(Writer& out, const Group::Epoch& epoch) {
    write(out, epoch.context);
    out.opaque(epoch.interim_transcript_hash);
    write(out, epoch.tree);
  }

  static std::shared_ptr<Group::Epoch> read_epoch(Reader& in) {
    auto out = std::make_shared<Group::Epoch>();
    out->context = read_group_context(in);
    out->interim_transcript_hash = in.opaque();
    out->tree = read_ratchet_tree(in);
    if (!in.ok()) return out;
    out->encoded_context = encode_context(out->context);
    if (!equal(out->tree.tree_hash(), out->context.tree_hash)) {
      in.fail("8.1", "the saved tree is not the one in the saved group context");
    }
    return out;
  }

  static void write_past(Writer& out, const Group::PastEpoch& past, const RatchetTree& tree) {
    out.u64(past.epoch);
    out.opaque(past.encoded_context);
    out.vector([&] {
      for (LeafIndex at{0}; at.value < past.leaves.size(); ++at.value) {
        const LeafNode* const then = past.leaves[at.value].get();
        const LeafNode* const now = tree.leaf(at);
        const bool same = then != nullptr && now != nullptr && (then == now || *then == *now);
        const PastLeaf kind = then == nullptr ? PastLeaf::blank : same ? PastLeaf::as_now : PastLeaf::other;
        out.u8(static_cast<std::uint8_t>(kind));
        if (kind == PastLeaf::other) write(out, *then);
      }
    });
  }

  static std::shared_ptr<Group::PastEpoch> read_past(Reader& in, const RatchetTree& tree) {
    auto out = std::make_shared<Group::PastEpoch>();
    out->epoch = in.u64();
    out->encoded_context = in.opaque();
    in.vector([&](Reader& element) {
      const LeafIndex at{static_cast<std::uint32_t>(out->leaves.size())};
      switch (element.enumerated(PastLeaf::blank, PastLeaf::other, "16.6", "no leaf of a past epoch")) {
        case PastLeaf::blank:
          out->leaves.emplace_back();
          return;
        case PastLeaf::as_now:
          if (tree.leaf(at) == nullptr) break;
          out->leaves.push_back(tree.leaves()[at.value]);
          return;
        case PastLeaf::other:
          out->leaves.push_back(std::make_shared<const LeafNode>(read_leaf_node(element)));
          if (tree.leaf(at) == nullptr || *tree.leaf(at) != *out->leaves.back()) return;
          break;
      }
      element.fail("16.6", "a leaf of a past epoch is not said to be what it is");
    });
    return out;
  }

  static void write_public(Writer& out, const Group& group) {
    out.u8(state_version);
    write_epoch(out, *group.epoch_);
    out.u32(group.own_leaf_.value);
    out.u8(static_cast<std::uint8_t>(group.standing_));
    out.vector([&] {
      for (const Group::KnownProposal& known : group.proposals_) {
        out.opaque(known.ref);
        write(out, *known.proposal);
        out.u32(known.sender.value);
      }
    });
    out.vector([&] {
      for (const auto& past : group.past_) write_past(out, *past, group.epoch_->tree);
    });
    out.u8(group.pending_ != nullptr ? 1 : 0);
    if (group.pending_ == nullptr) return;
    write_epoch(out, *group.pending_->epoch);
    out.opaque(group.pending_->message);
    out.optional(group.pending_->welcome, [&](const Bytes& welcome) { out.opaque(welcome); });
  }

  // What has secrets still to be filled in, besides the group itself.
  struct Unfinished {
    Group group;
    std::shared_ptr<Group::Epoch> epoch;
    std::vector<std::shared_ptr<Group::PastEpoch>> past;
    std::shared_ptr<Group::PendingCommit> pending;
    std::shared_ptr<Group::Epoch> pending_epoch;
  };

  static bool is_next_epoch(const Group::Epoch& next, const Group::Epoch& now, LeafIndex own) {
    return next.context.cipher_suite == now.context.cipher_suite &&
           next.context.group_id == now.context.group_id && next.context.epoch == now.context.epoch + 1 &&
           next.tree.leaf(own) != nullptr;
  }

  static Unfinished read_public(Reader& in) {
    Unfinished out{.group = Group(), .epoch = {}, .past = {}, .pending = {}, .pending_epoch = {}};
    if (in.u8() != state_version) in.fail("16.6", "a saved group of another version");
    out.epoch = read_epoch(in);
    out.group.own_leaf_ = LeafIndex{in.u32()};
    if (in.ok() && out.epoch->tree.leaf(out.group.own_leaf_) == nullptr) {
      in.fail("16.6", "our leaf is blank in the saved tree");
    }
    out.group.standing_ =
        in.enumerated(Standing::current, Standing::removed, "16.6", "an unknown standing of a saved group");
    in.vector([&](Reader& element) {
      Group::KnownProposal known;
      known.ref = element.opaque();
      known.proposal = std::make_shared<const Proposal>(read_proposal(element));
      known.sender = LeafIndex{element.u32()};
      out.group.proposals_.push_back(std::move(known));
    });
    in.vector([&](Reader& element) { out.past.push_back(read_past(element, out.epoch->tree)); });
    if (out.past.size() > retained_epochs_max) in.fail("16.6", "more saved epochs than are retained");
    if (!in.present()) return out;
    out.pending = std::make_shared<Group::PendingCommit>();
    out.pending_epoch = read_epoch(in);
    if (in.ok() && !is_next_epoch(*out.pending_epoch, *out.epoch, out.group.own_leaf_)) {
      in.fail("16.6", "a pending commit that is not of the saved epoch");
    }
    out.pending->message = in.opaque();
    if (in.present()) out.pending->welcome = in.opaque();
    return out;
  }

  // ---- secret ----

  static void write_epoch_secrets(Writer& out, const EpochSecrets& secrets) {
    for (const Key* const key :
         {&secrets.sender_data_secret, &secrets.exporter_secret, &secrets.membership_key,
          &secrets.epoch_authenticator, &secrets.init_secret}) {
      out.opaque(key->reveal());
    }
  }

  static void read_epoch_secrets(Reader& in, EpochSecrets& secrets) {
    for (Key* const key : {&secrets.sender_data_secret, &secrets.exporter_secret, &secrets.membership_key,
                           &secrets.epoch_authenticator, &secrets.init_secret}) {
      *key = read_key(in);
    }
  }

  static void write_secret(Writer& out, const Group& group, ByteView public_state) {
    out.u8(state_version);
    out.raw(sha256(public_state));
    out.opaque(group.signature_key_.secret().reveal());
    write_epoch_secrets(out, group.epoch_->secrets);
    group.keys_.write_state(out);
    group.secrets_.write_state(out);
    for (const Group::KnownProposal& known : group.proposals_) {
      out.optional(known.own_update, [&](const hpke::KeyPair& key) {
        out.opaque(key.private_key.reveal());
        out.opaque(key.public_key);
      });
    }
    for (const auto& past : group.past_) {
      out.opaque(past->sender_data_secret->reveal());
      past->secrets.write_state(out);
    }
    if (group.pending_ == nullptr) return;
    write_epoch_secrets(out, group.pending_->epoch->secrets);
    group.pending_->keys.write_state(out);
    group.pending_->secrets.write_state(out);
  }

  static void read_signature_key(Reader& in, Unfinished& out) {
    const CipherSuite suite = out.epoch->context.cipher_suite;
    Result<SignaturePrivateKey> key = SignaturePrivateKey::from(signature_of(suite), read_key(in));
    if (!in.ok()) return;
    if (!key || key->public_key() != out.epoch->tree.leaf(out.group.own_leaf_)->signature_key) {
      in.fail("16.6", "the saved signature key is not the one of our leaf");
      return;
    }
    out.group.signature_key_ = std::move(*key);
  }

  static void read_secret(Reader& in, Unfinished& out, ByteView public_state) {
    if (in.u8() != state_version) in.fail("16.6", "a saved group of another version");
    if (!equal(in.raw(hash_bytes), sha256(public_state))) {
      in.fail("16.6", "the secret part belongs to another public part");
    }
    if (!in.ok()) return;
    const CipherSuite suite = out.epoch->context.cipher_suite;
    read_signature_key(in, out);
    read_epoch_secrets(in, out.epoch->secrets);
    out.group.keys_ = TreePrivateKeys::read_state(in);
    out.group.secrets_ = SecretTree::read_state(in, suite, out.epoch->tree.leaf_count());
    for (Group::KnownProposal& known : out.group.proposals_) {
      if (!in.present()) continue;
      Key private_key = read_saved_key(in, hpke::private_key_bytes);
      known.own_update = std::make_shared<const hpke::KeyPair>(
          hpke::KeyPair{.private_key = std::move(private_key), .public_key = in.opaque()});
    }
    for (const auto& past : out.past) {
      past->sender_data_secret = std::make_shared<const Key>(read_key(in));
      past->secrets = SecretTree::read_state(in, suite, static_cast<std::uint32_t>(past->leaves.size()));
    }
    if (out.pending == nullptr) return;
    read_epoch_secrets(in, out.pending_epoch->secrets);
    out.pending->keys = TreePrivateKeys::read_state(in);
    out.pending->secrets = SecretTree::read_state(in, suite, out.pending_epoch->tree.leaf_count());
  }

  static Group finish(Unfinished from, Standing standing) {
    Group out = std::move(from.group);
    out.epoch_ = std::move(from.epoch);
    out.past_.assign(from.past.begin(), from.past.end());
    if (from.pending) {
      from.pending->epoch = std::move(from.pending_epoch);
      out.pending_ = std::move(from.pending);
    }
    // What was saved as old or removed does not become current again by being restored.
    out.standing_ = std::max(out.standing_, standing);
    return out;
  }
};

SavedGroup Group::serialize() const {
  SavedGroup out;
  Writer public_part(Writer::Memory::ordinary, 512 + 512 * epoch_->tree.leaf_count());
  GroupState::write_public(public_part, *this);
  out.public_state = public_part.take();
  Writer secret_part(Writer::Memory::secret, 2048);
  GroupState::write_secret(secret_part, *this, out.public_state);
  out.secret_state = secret_part.take_secret();
  return out;
}

Result<Group> Group::restore(const SavedGroup& saved, Standing standing) {
  Reader public_part(saved.public_state);
  GroupState::Unfinished state = GroupState::read_public(public_part);
  if (const Status whole = public_part.finish(); !whole) return pass_on(whole.error());
  Reader secret_part(saved.secret_state.reveal());
  GroupState::read_secret(secret_part, state, saved.public_state);
  if (const Status whole = secret_part.finish(); !whole) return pass_on(whole.error());
  return GroupState::finish(std::move(state), standing);
}

}  // namespace shearline::mls
