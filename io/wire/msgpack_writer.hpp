// Writes msgpack through the packaged packer into memory the caller chose: growing bytes for what is public,
// a fixed buffer in the locked arena for plaintexts. Used by the encoders of this room only.
#pragma once

#include "base/bytes.hpp"

#include <msgpack/pack.hpp>

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace shearline::wire {

struct GrowingSink {
  Bytes bytes;
  void write(const char* data, std::size_t size);
};

// For the first of two passes: how many bytes it will be.
struct CountingSink {
  std::size_t size = 0;
  void write(const char*, std::size_t more) { size += more; }
};

// For the second: exactly as many bytes as were counted. A mismatch is a fault of the encoder itself, and
// going on would write beyond the arena's block.
struct FixedSink {
  ByteSpan room;
  void write(const char* data, std::size_t size) {
    if (size > room.size()) std::abort();
    if (size > 0) std::memcpy(room.data(), data, size);
    room = room.subspan(size);
  }
};

template <class Sink>
class Writer {
 public:
  explicit Writer(Sink& sink) : sink_(&sink) {}

  void map(std::size_t entries) { packer().pack_map(static_cast<std::uint32_t>(entries)); }
  void array(std::size_t items) { packer().pack_array(static_cast<std::uint32_t>(items)); }
  void text(std::string_view value) {
    packer().pack_str(static_cast<std::uint32_t>(value.size()));
    sink_->write(value.data(), value.size());
  }
  void bytes(ByteView value) {
    packer().pack_bin(static_cast<std::uint32_t>(value.size()));
    const std::string_view text = as_text(value);
    sink_->write(text.data(), text.size());
  }
  void integer(std::int64_t value) { packer().pack_int64(value); }
  void unsigned_integer(std::uint64_t value) { packer().pack_uint64(value); }
  void flag(bool value) { value ? packer().pack_true() : packer().pack_false(); }

 private:
  msgpack::packer<Sink> packer() { return msgpack::packer<Sink>(*sink_); }

  Sink* sink_;
};

// A map whose number of entries is known only at its end, because fields at their usual value are left out.
class MapWriter {
 public:
  void text(std::string_view name, std::string_view value) { field(name).text(value); }
  void bytes(std::string_view name, ByteView value) { field(name).bytes(value); }
  void integer(std::string_view name, std::int64_t value) { field(name).integer(value); }
  void unsigned_integer(std::string_view name, std::uint64_t value) { field(name).unsigned_integer(value); }

  void text_unless(std::string_view usual, std::string_view name, std::string_view value) {
    if (value != usual) text(name, value);
  }
  void integer_unless(std::int64_t usual, std::string_view name, std::int64_t value) {
    if (value != usual) integer(name, value);
  }
  void flag_if(std::string_view name, bool value) {
    if (value) field(name).flag(true);
  }
  template <class Texts>
  void texts(std::string_view name, const Texts& values) {
    if (values.empty()) return;
    Writer<GrowingSink> writer = field(name);
    writer.array(values.size());
    for (const auto& value : values) writer.text(value);
  }
  // Maps written before, as an array.
  void maps(std::string_view name, const std::vector<Bytes>& encoded) {
    if (encoded.empty()) return;
    field(name).array(encoded.size());
    for (const Bytes& map : encoded) append(body_.bytes, map);
  }
  void map(std::string_view name, const Bytes& encoded) {
    Writer<GrowingSink>(body_).text(name);
    append(body_.bytes, encoded);
    ++entries_;
  }
  // For anything else: the caller writes exactly one value.
  Writer<GrowingSink> field(std::string_view name) {
    ++entries_;
    Writer<GrowingSink> writer(body_);
    writer.text(name);
    return writer;
  }

  std::size_t entries() const { return entries_; }
  const Bytes& body() const { return body_.bytes; }
  Bytes finish() const {
    GrowingSink out;
    Writer<GrowingSink>(out).map(entries_);
    append(out.bytes, body_.bytes);
    return std::move(out.bytes);
  }

 private:
  GrowingSink body_;
  std::size_t entries_ = 0;
};

}  // namespace shearline::wire
