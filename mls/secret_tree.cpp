#include "mls/secret_tree.hpp"

#include <algorithm>

namespace shearline::mls {
namespace {

std::uint32_t id_of(LeafIndex leaf, RatchetType type) {
  return leaf.value * 2 + static_cast<std::uint32_t>(type);
}

std::shared_ptr<const Key> shared(Key key) { return std::make_shared<const Key>(std::move(key)); }

}  // namespace

SecretTree::SecretTree(CipherSuite suite, std::uint32_t leaves, Key encryption_secret)
    : suite_(suite), leaves_(leaves) {
  nodes_.push_back({tree_math::root(leaves), shared(std::move(encryption_secret))});
}

// Walks down from the nearest ancestor whose secret is still there. Each secret on the way is replaced by its
// two children's, so what was used to derive a ratchet is gone (section 9.2).
Status SecretTree::derive_ratchets(LeafIndex leaf) {
  const auto above =
      std::ranges::find_if(nodes_, [&](const Node& node) { return tree_math::contains(node.index, leaf); });
  if (leaf.value >= leaves_ || above == nodes_.end())
    return broken("9", "the leaf has no secrets in this epoch");
  Node node = *above;
  nodes_.erase(above);
  const auto keep = [&](Node other) {
    nodes_.insert(std::ranges::lower_bound(nodes_, other.index, {}, &Node::index), std::move(other));
  };
  while (!tree_math::is_leaf(node.index)) {
    Node left{tree_math::left(node.index),
              shared(expand_with_label(*node.secret, "tree", as_bytes("left"), hash_bytes))};
    Node right{tree_math::right(node.index),
               shared(expand_with_label(*node.secret, "tree", as_bytes("right"), hash_bytes))};
    const bool go_left = tree_math::contains(left.index, leaf);
    keep(go_left ? std::move(right) : std::move(left));
    node = go_left ? std::move(left) : std::move(right);
  }
  for (const RatchetType type : {RatchetType::handshake, RatchetType::application}) {
    const std::string_view label = type == RatchetType::handshake ? "handshake" : "application";
    Ratchet first;
    first.secret = shared(expand_with_label(*node.secret, label, {}, hash_bytes));
    LeafRatchet entry{id_of(leaf, type), std::make_shared<const Ratchet>(std::move(first))};
    ratchets_.insert(std::ranges::lower_bound(ratchets_, entry.id, {}, &LeafRatchet::id), std::move(entry));
  }
  return {};
}

Result<SecretTree::LeafRatchet*> SecretTree::ratchet_of(LeafIndex sender, RatchetType type) {
  const std::uint32_t id = id_of(sender, type);
  const auto find = [&] { return std::ranges::lower_bound(ratchets_, id, {}, &LeafRatchet::id); };
  auto found = find();
  if (found == ratchets_.end() || found->id != id) {
    if (const Status derived = derive_ratchets(sender); !derived) return pass_on(derived.error());
    found = find();
  }
  return &*found;
}

// Section 9.1: key and nonce of the current generation; the secret moves on to the next one.
std::shared_ptr<const MessageKey> SecretTree::step(Ratchet& ratchet) const {
  const std::uint32_t j = ratchet.generation;
  auto key = std::make_shared<const MessageKey>(
      MessageKey{.key = derive_tree_secret(*ratchet.secret, "key", j, aead_key_bytes(aead_of(suite_))),
                 .nonce = derive_tree_secret(*ratchet.secret, "nonce", j, aead_nonce_bytes)});
  advance(ratchet);
  return key;
}

void SecretTree::advance(Ratchet& ratchet) {
  ratchet.secret = shared(derive_tree_secret(*ratchet.secret, "secret", ratchet.generation, hash_bytes));
  ++ratchet.generation;
}

Result<SecretTree::Sent> SecretTree::next(LeafIndex sender, RatchetType type) {
  const Result<LeafRatchet*> entry = ratchet_of(sender, type);
  if (!entry) return pass_on(entry.error());
  Ratchet ratchet = *(*entry)->ratchet;
  if (ratchet.generation == UINT32_MAX) return broken("9.1", "the ratchet has no generation left");
  Sent out{.generation = ratchet.generation, .key = step(ratchet)};
  (*entry)->ratchet = std::make_shared<const Ratchet>(std::move(ratchet));
  return out;
}

Result<std::shared_ptr<const MessageKey>> SecretTree::take(LeafIndex sender, RatchetType type,
                                                           std::uint32_t generation) {
  const Result<LeafRatchet*> entry = ratchet_of(sender, type);
  if (!entry) return pass_on(entry.error());
  Ratchet ratchet = *(*entry)->ratchet;
  std::shared_ptr<const MessageKey> key;
  if (generation < ratchet.generation) {
    const auto found = std::ranges::lower_bound(ratchet.skipped, generation, {}, &Skipped::generation);
    if (found == ratchet.skipped.end() || found->generation != generation) {
      return broken("9.2", "the key of this generation is gone: the message was read before, or is too old");
    }
    key = std::move(found->key);
    ratchet.skipped.erase(found);
    --skipped_keys_;
  } else {
    if (generation - ratchet.generation > ratchet_steps_max) {
      return broken("15.3", "the generation is more than 1000 steps ahead");
    }
    if (generation == UINT32_MAX) return broken("9.1", "the ratchet has no generation left");
    // Too far back to be kept: no key is derived for nothing.
    while (generation - ratchet.generation > skipped_keys_per_ratchet_max) advance(ratchet);
    while (ratchet.generation < generation) {
      const std::uint32_t skipped = ratchet.generation;
      keep_skipped(ratchet, {.generation = skipped, .key = step(ratchet)});
    }
    key = step(ratchet);
  }
  (*entry)->ratchet = std::make_shared<const Ratchet>(std::move(ratchet));
  return key;
}

// The newest are kept: a message that is very late is likelier to be lost.
void SecretTree::keep_skipped(Ratchet& ratchet, Skipped skipped) {
  const bool full =
      ratchet.skipped.size() == skipped_keys_per_ratchet_max || skipped_keys_ == skipped_keys_per_epoch_max;
  if (full && ratchet.skipped.empty()) return;
  if (full) {
    ratchet.skipped.erase(ratchet.skipped.begin());
    --skipped_keys_;
  }
  ratchet.skipped.push_back(std::move(skipped));
  ++skipped_keys_;
}

void SecretTree::end_epoch(LeafIndex own) {
  std::erase_if(ratchets_, [&](const LeafRatchet& entry) {
    const bool is_spent = entry.id != id_of(LeafIndex{entry.id / 2}, RatchetType::application) ||
                          entry.id == id_of(own, RatchetType::application);
    if (is_spent) skipped_keys_ -= entry.ratchet->skipped.size();
    return is_spent;
  });
}

std::uint32_t SecretTree::next_generation(LeafIndex sender, RatchetType type) const {
  const std::uint32_t id = id_of(sender, type);
  const auto found = std::ranges::lower_bound(ratchets_, id, {}, &LeafRatchet::id);
  return found == ratchets_.end() || found->id != id ? 0 : found->ratchet->generation;
}

void SecretTree::write_state(Writer& out) const {
  out.u32(leaves_);
  out.vector([&] {
    for (const Node& node : nodes_) {
      out.u32(node.index.value);
      out.opaque(node.secret->reveal());
    }
  });
  out.vector([&] {
    for (const LeafRatchet& entry : ratchets_) {
      out.u32(entry.id);
      out.u32(entry.ratchet->generation);
      out.opaque(entry.ratchet->secret->reveal());
      out.vector([&] {
        for (const Skipped& skipped : entry.ratchet->skipped) {
          out.u32(skipped.generation);
          out.opaque(skipped.key->key.reveal());
          out.opaque(skipped.key->nonce.reveal());
        }
      });
    }
  });
}

namespace {

// What is kept by an index is written in its order, each once: `next` follows on `last`.
template <class Index>
void expect_order(Reader& in, const Index* last, Index next) {
  if (last != nullptr && next <= *last) in.fail("16.6", "a saved secret tree that is not in its order");
}

MessageKey read_message_key(Reader& in, CipherSuite suite) {
  Key key = read_saved_key(in, aead_key_bytes(aead_of(suite)));
  return {.key = std::move(key), .nonce = read_saved_key(in, aead_nonce_bytes)};
}

}  // namespace

SecretTree SecretTree::read_state(Reader& in, CipherSuite suite, std::uint32_t leaves) {
  SecretTree out;
  out.suite_ = suite;
  out.leaves_ = in.u32();
  if (out.leaves_ != leaves) in.fail("16.6", "a saved secret tree of another size than the ratchet tree");
  in.vector([&](Reader& element) {
    const NodeIndex index{element.u32()};
    expect_order(element, out.nodes_.empty() ? nullptr : &out.nodes_.back().index, index);
    if (index.value >= tree_math::node_width(leaves)) element.fail("16.6", "a saved secret of no node");
    out.nodes_.push_back({index, shared(read_saved_key(element, hash_bytes))});
  });
  in.vector([&](Reader& element) {
    LeafRatchet entry{element.u32(), nullptr};
    expect_order(element, out.ratchets_.empty() ? nullptr : &out.ratchets_.back().id, entry.id);
    if (entry.id >= 2 * leaves) element.fail("16.6", "a saved ratchet of no leaf");
    entry.ratchet = std::make_shared<const Ratchet>(out.read_ratchet(element));
    out.ratchets_.push_back(std::move(entry));
  });
  if (out.skipped_keys_ > skipped_keys_per_epoch_max) in.fail("16.6", "more saved keys than an epoch keeps");
  return out;
}

SecretTree::Ratchet SecretTree::read_ratchet(Reader& in) {
  Ratchet out;
  out.generation = in.u32();
  out.secret = shared(read_saved_key(in, hash_bytes));
  in.vector([&](Reader& element) {
    const std::uint32_t generation = element.u32();
    expect_order(element, out.skipped.empty() ? nullptr : &out.skipped.back().generation, generation);
    if (generation >= out.generation)
      element.fail("16.6", "a saved key of a generation that is still to come");
    if (out.skipped.size() == skipped_keys_per_ratchet_max)
      element.fail("16.6", "more saved keys than a ratchet keeps");
    out.skipped.push_back(
        {generation, std::make_shared<const MessageKey>(read_message_key(element, suite_))});
    ++skipped_keys_;
  });
  return out;
}

}  // namespace shearline::mls
