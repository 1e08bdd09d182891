// The TLS presentation language as RFC 9420 section 2.1 uses it: a writer and a strict reader. Used by every
// structure of this room; knows bytes and lengths, no structure.
#pragma once

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/secret.hpp"
#include "mls/limits.hpp"
#include "mls/rule.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace shearline::mls {

// Writes into ordinary memory, or into the locked arena when what is written must be wiped.
class Writer {
 public:
  enum class Memory { ordinary, secret };
  explicit Writer(Memory memory = Memory::ordinary, std::size_t expected_bytes = 256);

  void u8(std::uint8_t value);
  void u16(std::uint16_t value);
  void u32(std::uint32_t value);
  void u64(std::uint64_t value);
  void raw(ByteView bytes);
  void zeros(std::size_t count);
  void varint(std::size_t value);  // section 2.1.2; at most 30 bits
  void opaque(ByteView bytes);     // opaque<V>
  void opaque(ByteView head, ByteView tail);
  // T<V>: `body` writes the elements; the length is put in front of them.
  template <class Body>
  void vector(Body body) {
    const std::size_t start = size_;
    body();
    insert_length(start);
  }
  // optional<T>, section 2.1.1.
  template <class T, class Body>
  void optional(const T& value, Body body) {
    u8(value ? 1 : 0);
    if (value) body(*value);
  }

  ByteView view() const { return {data_, size_}; }
  Bytes take();       // of an ordinary writer
  Key take_secret();  // of a secret writer

 private:
  Byte* grow(std::size_t count);
  void insert_length(std::size_t start);

  Memory memory_;
  Bytes ordinary_;
  Key secret_;
  Byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

// Reads from a view that must outlive it. The first broken rule makes it stop: later reads give zeros and
// empty views, and finish() tells what was wrong, so decoders need no check after each field.
class Reader {
 public:
  explicit Reader(ByteView bytes) : rest_(bytes), root_(this) {}
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  bool ok() const { return root_->error_.empty(); }
  bool more() const { return ok() && !rest_.empty(); }
  ByteView rest() const { return rest_; }
  void fail(std::string_view section, std::string_view what);

  std::uint8_t u8();
  std::uint16_t u16();
  std::uint32_t u32();
  std::uint64_t u64();
  ByteView raw(std::size_t count);
  std::size_t varint();
  ByteView opaque_view();
  Bytes opaque() { return to_bytes(opaque_view()); }
  Bytes opaque(std::size_t bytes_max, std::string_view section, std::string_view what);
  bool present();  // the first octet of an optional<T>
  // An enum of one or two octets whose values run from `first` to `last`; `first` after any other value.
  template <class Enum>
  Enum enumerated(Enum first, Enum last, std::string_view section, std::string_view what) {
    using Value = std::underlying_type_t<Enum>;
    const Value value = static_cast<Value>(sizeof(Value) == 1 ? u8() : u16());
    if (value >= static_cast<Value>(first) && value <= static_cast<Value>(last)) {
      return static_cast<Enum>(value);
    }
    fail(section, what);
    return first;
  }
  // T<V>: `element` reads one element from the reader it is given, until none is left.
  template <class Element>
  void vector(Element element) {
    Reader elements(opaque_view(), root_);
    while (elements.more()) element(elements);
  }

  Status finish();  // invalid: a broken rule, or bytes that are left over

 private:
  Reader(ByteView bytes, Reader* root) : rest_(bytes), root_(root) {}

  ByteView rest_;
  Reader* root_;
  std::string error_;
};

// The whole of `bytes` as one structure. `read` takes a Reader and returns the value.
template <class Read>
auto decode_whole(ByteView bytes, Read read) -> Result<decltype(read(std::declval<Reader&>()))> {
  if (bytes.size() > message_bytes_max) return broken("2.1.2", "the message is longer than 4 MiB");
  Reader reader(bytes);
  auto value = read(reader);
  if (const Status whole = reader.finish(); !whole) return pass_on(whole.error());
  return value;
}

template <class Write>
Bytes encode(Write write) {
  Writer writer;
  write(writer);
  return writer.take();
}

}  // namespace shearline::mls
