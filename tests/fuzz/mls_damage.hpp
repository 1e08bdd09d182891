// Changes in the structures of MLS, each one decided by the input: one field after the other may become longer, shorter,
// other bytes, or a value that stands elsewhere in the group. What is changed here is signed and sealed afterwards by
// somebody who may, so that it is the rules that are tried and not the cryptography.
#pragma once

#include "mls/message.hpp"
#include "mls/ratchet_tree.hpp"
#include "tests/fuzz/choices.hpp"

#include <vector>

namespace shearline::fuzz {

class Damage {
 public:
  // `elsewhere`: keys, hashes and names of the group, and what is never a key.
  Damage(Choices& choices, const std::vector<Bytes>& elsewhere) : choices_(choices), elsewhere_(elsewhere) {}

  void operator()(Bytes& field) {
    const std::size_t at = choices_.position(field.size() + 1);
    const auto from = field.begin() + static_cast<std::ptrdiff_t>(at);
    switch (choices_.below(7)) {
      case 0:  // one bit
        if (at < field.size()) field[at] = static_cast<Byte>(field[at] ^ 1 << choices_.below(8));
        return;
      case 1:  // other bytes
        return overwrite(field, at, choices_.bytes());
      case 2: {
        const ByteView more = choices_.bytes();
        field.insert(from, more.begin(), more.end());
        return;
      }
      case 3:
        field.erase(from, from + static_cast<std::ptrdiff_t>(
                                     std::min<std::size_t>(choices_.octet(), field.size() - at)));
        return;
      case 4:
        field.resize(at);
        return;
      case 5:
        field = to_bytes(choices_.bytes());
        return;
      default:
        if (!elsewhere_.empty()) field = elsewhere_[choices_.below(elsewhere_.size())];
    }
  }

  void operator()(std::uint64_t& value) {
    switch (choices_.below(4)) {
      case 0:
        ++value;
        return;
      case 1:
        --value;
        return;
      case 2:
        value ^= std::uint64_t{1} << choices_.below(64);
        return;
      default:
        value = choices_.number();
    }
  }
  void operator()(std::uint32_t& value) {
    std::uint64_t wide = value;
    (*this)(wide);
    value = static_cast<std::uint32_t>(wide);
  }
  void operator()(std::uint16_t& value) {
    std::uint64_t wide = value;
    (*this)(wide);
    value = static_cast<std::uint16_t>(wide);
  }
  void operator()(mls::LeafIndex& leaf) { (*this)(leaf.value); }

  // One element less, more, twice, elsewhere or changed.
  template <class T>
  void operator()(std::vector<T>& list) {
    const std::size_t at = choices_.position(list.size());
    const auto where = list.begin() + static_cast<std::ptrdiff_t>(at);
    switch (choices_.below(5)) {
      case 0:
        list.insert(where, T{});
        break;
      case 1:
        if (!list.empty()) list.erase(where);
        return;
      case 2:
        if (!list.empty()) list.push_back(T(list[at]));
        return;
      case 3:
        if (!list.empty()) std::swap(list[at], list[choices_.position(list.size())]);
        return;
      default:
        break;
    }
    if (!list.empty()) (*this)(list[at]);
  }

  void operator()(mls::Extension& value) { choices_.yes() ? (*this)(value.type) : (*this)(value.data); }
  void operator()(mls::Credential& value) {
    switch (choices_.below(3)) {
      case 0:
        return (*this)(value.identity);
      case 1:
        value.type = mls::credential_type::x509;
        return (*this)(value.certificates);
      default:
        value.type = static_cast<std::uint16_t>(choices_.below(4));
    }
  }
  void operator()(mls::Capabilities& value) {
    mls::Types* const lists[] = {&value.versions, &value.cipher_suites, &value.extensions, &value.proposals,
                                 &value.credentials};
    (*this)(*lists[choices_.below(std::size(lists))]);
  }
  void operator()(mls::LeafNode& value) {
    switch (choices_.below(10)) {
      case 0:
        return (*this)(value.encryption_key);
      case 1:
        return (*this)(value.signature_key);
      case 2:
        return (*this)(value.credential);
      case 3:
        return (*this)(value.capabilities);
      case 4:
        value.source = static_cast<mls::LeafNodeSource>(1 + choices_.below(3));
        return;
      case 5:
        return (*this)(value.lifetime.not_before);
      case 6:
        return (*this)(value.lifetime.not_after);
      case 7:
        return (*this)(value.parent_hash);
      case 8:
        return (*this)(value.extensions);
      default:
        return (*this)(value.signature);
    }
  }
  void operator()(mls::KeyPackage& value) {
    switch (choices_.below(5)) {
      case 0:
        value.cipher_suite = static_cast<mls::CipherSuite>(1 + choices_.below(3));
        return;
      case 1:
        return (*this)(value.init_key);
      case 2:
        return (*this)(value.extensions);
      case 3:
        return (*this)(value.signature);
      default:
        return (*this)(value.leaf_node);
    }
  }
  void operator()(mls::PreSharedKeyId& value) {
    switch (choices_.below(4)) {
      case 0:
        value.type = mls::PskType::resumption;
        value.usage = static_cast<std::uint8_t>(1 + choices_.below(3));
        return (*this)(value.psk_epoch);
      case 1:
        return (*this)(value.psk_id);
      case 2:
        return (*this)(value.psk_group_id);
      default:
        return (*this)(value.psk_nonce);
    }
  }
  void operator()(mls::HpkeCiphertext& value) {
    choices_.yes() ? (*this)(value.kem_output) : (*this)(value.ciphertext);
  }
  void operator()(mls::UpdatePathNode& value) {
    choices_.yes() ? (*this)(value.encryption_key) : (*this)(value.encrypted_path_secrets);
  }
  void operator()(mls::UpdatePath& value) {
    choices_.below(4) == 0 ? (*this)(value.leaf_node) : (*this)(value.nodes);
  }
  void operator()(mls::Sender& value) {
    if (choices_.yes()) value.type = static_cast<mls::SenderType>(1 + choices_.below(4));
    (*this)(value.index);
  }
  void operator()(mls::FramedContent& value) {
    switch (choices_.below(4)) {
      case 0:
        return (*this)(value.group_id);
      case 1:
        return (*this)(value.epoch);
      case 2:
        return (*this)(value.sender);
      default:
        return (*this)(value.authenticated_data);
    }
  }
  void operator()(mls::ParentNode& value) {
    switch (choices_.below(3)) {
      case 0:
        return (*this)(value.encryption_key);
      case 1:
        return (*this)(value.parent_hash);
      default:
        return (*this)(value.unmerged_leaves);
    }
  }
  // Any node becomes another, or blank.
  void operator()(mls::RatchetTree& tree) {
    const mls::NodeIndex node{
        static_cast<std::uint32_t>(choices_.position(mls::tree_math::node_width(tree.leaf_count())))};
    const bool blank = choices_.below(4) == 0;
    if (mls::tree_math::is_leaf(node)) {
      const mls::LeafIndex at = mls::tree_math::leaf_of(node);
      if (tree.leaf(at) == nullptr) return;
      if (blank) return tree.remove(at);
      mls::LeafNode changed = *tree.leaf(at);
      (*this)(changed);
      return tree.replace_leaf(at, std::move(changed));
    }
    mls::ParentNode changed = tree.parent(node) != nullptr ? *tree.parent(node) : mls::ParentNode{};
    if (blank) return tree.blank_path(mls::tree_math::first_leaf(node));
    (*this)(changed);
    tree.set_parent(node, std::move(changed));
  }
  void operator()(mls::GroupContext& value) {
    switch (choices_.below(6)) {
      case 0:
        value.cipher_suite = static_cast<mls::CipherSuite>(1 + choices_.below(3));
        return;
      case 1:
        return (*this)(value.group_id);
      case 2:
        return (*this)(value.epoch);
      case 3:
        return (*this)(value.tree_hash);
      case 4:
        return (*this)(value.confirmed_transcript_hash);
      default:
        return (*this)(value.extensions);
    }
  }

  // Up to three changes in one value, mostly none.
  template <class T>
  bool some(T& value) {
    const std::size_t octet = choices_.octet();
    const std::size_t changes = octet < 192 ? 0 : octet % 3 + 1;
    for (std::size_t i = 0; i < changes; ++i) (*this)(value);
    return changes > 0;
  }

 private:
  static void overwrite(Bytes& field, std::size_t at, ByteView with) {
    const std::size_t count = std::min(with.size(), field.size() - at);
    std::copy_n(with.begin(), count, field.begin() + static_cast<std::ptrdiff_t>(at));
  }

  Choices& choices_;
  const std::vector<Bytes>& elsewhere_;
};

}  // namespace shearline::fuzz
