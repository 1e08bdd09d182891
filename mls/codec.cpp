// RFC 9420 section 2.1: optional values and vectors with a variable-size length.
#include "mls/codec.hpp"

#include "base/openssl.hpp"

#include <algorithm>

namespace shearline::mls {
namespace {

constexpr std::size_t varint_max = (1U << 30) - 1;

std::size_t varint_bytes(std::size_t value) { return value < 64 ? 1 : value < 16384 ? 2 : 4; }

void store_varint(std::size_t value, Byte* out) {
  const std::size_t bytes = varint_bytes(value);
  const unsigned prefix = bytes == 1 ? 0 : bytes == 2 ? 1 : 2;
  for (std::size_t i = 0; i < bytes; ++i) out[i] = static_cast<Byte>(value >> (8 * (bytes - 1 - i)));
  out[0] = static_cast<Byte>(out[0] | prefix << 6);
}

}  // namespace

// ---- Writer ----

Writer::Writer(Memory memory, std::size_t expected_bytes) : memory_(memory), capacity_(expected_bytes) {
  if (memory_ == Memory::secret) {
    secret_ = Key::of_size(capacity_);
    data_ = secret_.writable().data();
  } else {
    ordinary_.resize(capacity_);
    data_ = ordinary_.data();
  }
}

Byte* Writer::grow(std::size_t count) {
  if (count > capacity_ - size_) {
    capacity_ = std::max(2 * capacity_, size_ + count);
    if (memory_ == Memory::secret) {
      Key larger = Key::of_size(capacity_);
      std::memcpy(larger.writable().data(), data_, size_);
      secret_ = std::move(larger);
      data_ = secret_.writable().data();
    } else {
      ordinary_.resize(capacity_);
      data_ = ordinary_.data();
    }
  }
  Byte* const at = data_ + size_;
  size_ += count;
  return at;
}

void Writer::u8(std::uint8_t value) { *grow(1) = value; }
void Writer::u16(std::uint16_t value) {
  Byte* const at = grow(2);
  at[0] = static_cast<Byte>(value >> 8);
  at[1] = static_cast<Byte>(value);
}
void Writer::u32(std::uint32_t value) {
  u16(static_cast<std::uint16_t>(value >> 16));
  u16(static_cast<std::uint16_t>(value));
}
void Writer::u64(std::uint64_t value) { store_be64(value, grow(8)); }

void Writer::raw(ByteView bytes) {
  if (!bytes.empty()) std::memcpy(grow(bytes.size()), bytes.data(), bytes.size());
}

void Writer::zeros(std::size_t count) {
  if (count > 0) std::memset(grow(count), 0, count);
}

void Writer::varint(std::size_t value) {
  openssl::must(value <= varint_max, "RFC 9420 section 2.1.2: length above 30 bits");
  store_varint(value, grow(varint_bytes(value)));
}

void Writer::opaque(ByteView bytes) {
  varint(bytes.size());
  raw(bytes);
}

void Writer::opaque(ByteView head, ByteView tail) {
  varint(head.size() + tail.size());
  raw(head);
  raw(tail);
}

void Writer::insert_length(std::size_t start) {
  const std::size_t length = size_ - start;
  openssl::must(length <= varint_max, "RFC 9420 section 2.1.2: length above 30 bits");
  const std::size_t bytes = varint_bytes(length);
  grow(bytes);
  std::memmove(data_ + start + bytes, data_ + start, length);
  store_varint(length, data_ + start);
}

Bytes Writer::take() {
  openssl::must(memory_ == Memory::ordinary, "a secret writer gives secrets only");
  ordinary_.resize(size_);
  return std::move(ordinary_);
}

Key Writer::take_secret() {
  openssl::must(memory_ == Memory::secret, "an ordinary writer gives no secrets");
  secret_.shrink(size_);
  return std::move(secret_);
}

// ---- Reader ----

void Reader::fail(std::string_view section, std::string_view what) {
  if (ok()) root_->error_ = rule_text(section, what);
  rest_ = {};
}

ByteView Reader::raw(std::size_t count) {
  if (!ok()) return {};
  if (count > rest_.size()) {
    fail("2.1", "the bytes end within a field");
    return {};
  }
  const ByteView out = rest_.first(count);
  rest_ = rest_.subspan(count);
  return out;
}

std::uint8_t Reader::u8() {
  const ByteView in = raw(1);
  return in.empty() ? std::uint8_t{0} : in[0];
}
std::uint16_t Reader::u16() {
  const ByteView in = raw(2);
  return in.empty() ? std::uint16_t{0} : static_cast<std::uint16_t>(in[0] << 8 | in[1]);
}
std::uint32_t Reader::u32() {
  const ByteView in = raw(4);
  if (in.empty()) return 0;
  return static_cast<std::uint32_t>(in[0]) << 24 | static_cast<std::uint32_t>(in[1]) << 16 |
         static_cast<std::uint32_t>(in[2]) << 8 | in[3];
}
std::uint64_t Reader::u64() {
  const ByteView in = raw(8);
  return in.empty() ? 0 : load_be64(in.data());
}

std::size_t Reader::varint() {
  const Byte first = u8();
  const unsigned prefix = first >> 6;
  if (prefix == 3) {
    fail("2.1.2", "a length starts with the reserved prefix 11");
    return 0;
  }
  const std::size_t length = std::size_t{1} << prefix;
  std::size_t value = first & 0x3f;
  for (const Byte byte : raw(length - 1)) value = value << 8 | byte;
  if (ok() && varint_bytes(value) != length) {
    fail("2.1.2", "a length is not in its shortest form");
    return 0;
  }
  return ok() ? value : 0;
}

ByteView Reader::opaque_view() { return raw(varint()); }

Bytes Reader::opaque(std::size_t bytes_max, std::string_view section, std::string_view what) {
  const ByteView view = opaque_view();
  if (view.size() > bytes_max) {
    fail(section, what);
    return {};
  }
  return to_bytes(view);
}

bool Reader::present() {
  const std::uint8_t octet = u8();
  if (octet > 1) fail("2.1.1", "the presence octet of an optional value is neither 0 nor 1");
  return ok() && octet == 1;
}

Status Reader::finish() {
  if (!rest_.empty()) fail("2.1", "bytes are left over after the structure");
  if (!ok()) return shearline::fail(Code::invalid, root_->error_);
  return {};
}

}  // namespace shearline::mls
