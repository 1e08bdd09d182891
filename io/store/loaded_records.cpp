#include "io/store/loaded_records.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>

namespace shearline::store {
namespace {

// Addresses only; what is not used costs nothing.
constexpr std::size_t bytes_max = std::size_t{1} << 36;
constexpr std::size_t slots_min = 512;

std::uint64_t hash_of_field(std::string_view field) { return std::hash<std::string_view>{}(field); }

}  // namespace

LoadedRecords::LoadedRecords()
    : memory_(0, bytes_max),
      index_(std::make_unique<engine::Region>(slots_min * sizeof(Slot))),
      slots_(slots_min) {
  static_assert(sizeof(Header) == 8 && bytes_max / sizeof(Header) < std::size_t{1} << place_bits);
}

std::size_t LoadedRecords::space_of(const Header& header) {
  const std::size_t bytes = sizeof(Header) + header.field_bytes + header.value_bytes;
  return (bytes + sizeof(Header) - 1) / sizeof(Header) * sizeof(Header);
}

RawRecord LoadedRecords::record_at(std::size_t at) const {
  const Header& header = header_at(at);
  const ByteView field(memory_.data() + at + sizeof(Header), header.field_bytes);
  return {as_text(field), {field.data() + field.size(), header.value_bytes}};
}

LoadedRecords::Slot& LoadedRecords::slot_for(std::string_view field) const {
  const std::uint64_t hash = hash_of_field(field);
  auto* const slots = reinterpret_cast<Slot*>(index_->data());
  for (std::size_t position = hash & (slots_ - 1);; position = (position + 1) & (slots_ - 1)) {
    Slot& slot = slots[position];
    if (slot == 0) return slot;
    if (slot >> place_bits == hash >> place_bits && record_at(place_of(slot)).field == field) return slot;
  }
}

void LoadedRecords::prefetch(std::string_view field) const {
  __builtin_prefetch(index_->data() + (hash_of_field(field) & (slots_ - 1)) * sizeof(Slot));
}

ByteView LoadedRecords::find(std::string_view field) const {
  const Slot slot = slot_for(field);
  return slot == 0 ? ByteView{} : record_at(place_of(slot)).value;
}

void LoadedRecords::put(const RawRecord& record) {
  SHEARLINE_CHECK(!record.value.empty() && record.value.size() <= UINT32_MAX &&
                  record.field.size() <= UINT16_MAX);
  if ((count_ + 1) * 2 > slots_) grow_index();
  const Header header{static_cast<std::uint32_t>(record.value.size()),
                      static_cast<std::uint16_t>(record.field.size()), false};
  memory_.grow_to(used_ + space_of(header));
  std::construct_at(&header_at(used_), header);
  Byte* const field = memory_.data() + used_ + sizeof(Header);
  std::ranges::copy(record.value, std::ranges::copy(as_bytes(record.field), field).out);

  Slot& slot = slot_for(record.field);
  if (slot == 0) {
    ++count_;
  } else {
    header_at(place_of(slot)).replaced = true;
  }
  slot = hash_of_field(record.field) >> place_bits << place_bits | (used_ / sizeof(Header) + 1);
  used_ += space_of(header);
}

void LoadedRecords::clear() {
  used_ = count_ = 0;
  std::memset(index_->data(), 0, slots_ * sizeof(Slot));
}

void LoadedRecords::grow_index() {
  slots_ *= 2;
  index_ = std::make_unique<engine::Region>(slots_ * sizeof(Slot));
  for (std::size_t at = 0; at < used_; at += space_of(header_at(at))) {
    if (header_at(at).replaced) continue;
    const std::string_view field = record_at(at).field;
    slot_for(field) = hash_of_field(field) >> place_bits << place_bits | (at / sizeof(Header) + 1);
  }
}

}  // namespace shearline::store
