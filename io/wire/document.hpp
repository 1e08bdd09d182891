// A msgpack document read in place: values are views of the caller's bytes, so a document over an arena
// buffer holds no copy of a secret. Used by the decoders of this room only; knows limits and shapes, no
// meaning. Depth, size and counts are checked before anything is allocated; trailing bytes, duplicate keys,
// floats and extension types are refused.
#pragma once

#include "base/bytes.hpp"
#include "base/error.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shearline::wire {

// design: protocols.md section 4, "Decoders limit".
inline constexpr std::size_t document_bytes_max = 1 << 20;
inline constexpr std::size_t document_depth_max = 4;
inline constexpr std::uint32_t map_entries_max = 64;
inline constexpr std::uint32_t array_items_max = 4096;
// All values of one document together: an input of one-byte values must not grow into something much larger.
inline constexpr std::size_t document_values_max = 1 << 16;

struct Value {
  enum class Type : std::uint8_t { nil, boolean, integer, text, bytes, array, map };
  Type type = Type::nil;
  bool negative = false;     // integer below zero: `number` is its two's complement
  std::uint32_t count = 0;   // items of an array, entries of a map
  std::uint32_t end = 0;     // index of the first value after this one and all it contains
  std::uint64_t number = 0;  // integer, boolean; of a map's key: key_code
  ByteView view{};           // text, bytes; NOLINT(readability-redundant-member-init): g++ asks for it
};

// Values in the order they stand; the root is value 0. The bytes must outlive it.
class Document {
 public:
  static Result<Document> parse(ByteView bytes);
  // Another one in its place, in the memory that is there already. After an error it is empty.
  Status read(ByteView bytes);
  const Value& operator[](std::uint32_t index) const { return values_[index]; }

 private:
  Status build(ByteView bytes);

  std::vector<Value> values_;
};

// One value inside a document. Cheap to copy; the document must outlive it.
class Item {
 public:
  Item(const Document& document, std::uint32_t index) : document_(&document), index_(index) {}
  const Value& value() const { return (*document_)[index_]; }
  bool is(Value::Type type) const { return value().type == type; }
  std::uint32_t count() const { return value().count; }
  Item first() const { return {*document_, index_ + 1}; }  // of an array or a map that is not empty
  Item next() const { return {*document_, value().end}; }  // the sibling after this one
  std::uint32_t index() const { return index_; }
  Item at(std::uint32_t index) const { return {*document_, index}; }  // of the same document

 private:
  const Document* document_;
  std::uint32_t index_;
};

// The first thing found wrong; reading goes on with empty values, so that a decoder is a plain list of fields
// and asks once, at its end.
class Fault {
 public:
  void note(std::string message) {
    if (message_.empty()) message_ = std::move(message);
  }
  void note_field(std::string_view what, std::string_view name, std::string_view how);  // of the map `what`
  bool found() const { return !message_.empty(); }
  const std::string& message() const { return message_; }

 private:
  std::string message_;
};

// A key as one number, its length and its first bytes: a map's names are compared as numbers, which settles it for keys
// of at most 7 bytes.
inline constexpr std::size_t coded_bytes = 7;
constexpr std::uint64_t key_code(std::string_view key) {
  std::uint64_t code = 0;
  for (std::size_t i = 0; i < std::min(key.size(), coded_bytes); ++i)
    code = code << 8 | static_cast<Byte>(key[i]);
  return code << 8 | std::min<std::size_t>(key.size(), 0xff);
}

// Reads the fields of one map by name. `what` names the map in messages ("envelope", "version"). Values never appear in
// messages.
class Fields {
 public:
  Fields(Item map, std::string_view what, Fault& fault);

  bool has(std::string_view name) const;
  std::string text(std::string_view name) const;
  std::string text_or(std::string_view name, std::string_view absent) const;
  ByteView text_view(std::string_view name) const;  // in place: for what must not be copied
  ByteView bytes(std::string_view name) const;
  std::int64_t integer(std::string_view name) const;
  std::int64_t integer_or(std::string_view name, std::int64_t absent) const;
  std::uint64_t unsigned_integer(std::string_view name) const;
  bool flag(std::string_view name) const;                       // false when absent
  std::vector<Item> items(std::string_view name) const;         // of an array; empty when absent
  std::optional<Fields> fields(std::string_view name) const;    // a map inside; nothing when absent
  std::vector<std::string> texts(std::string_view name) const;  // an array of text; empty when absent

  template <std::size_t N>
  std::array<Byte, N> exactly(std::string_view name) const {
    std::array<Byte, N> out{};
    const ByteView view = bytes(name);
    if (view.size() == N) {
      std::memcpy(out.data(), view.data(), N);
    } else {
      wrong(name, "has the wrong length");
    }
    return out;
  }

  void wrong(std::string_view name, std::string_view how) const;
  Fault& fault() const { return *fault_; }

 private:
  std::optional<Item> find(std::string_view name) const;
  std::optional<Item> required(std::string_view name, Value::Type type) const;
  std::optional<Item> optional(std::string_view name, Value::Type type) const;
  std::int64_t signed_integer(std::string_view name, const Item& item) const;

  Item map_;
  std::uint32_t count_ = 0;  // of its entries; 0 also when it was not a map: every field is missing
  std::array<std::uint64_t, map_entries_max> codes_;  // of the keys; only so many are there
  std::array<std::uint32_t, map_entries_max> keys_;
  std::string_view what_;
  Fault* fault_;
};

}  // namespace shearline::wire
