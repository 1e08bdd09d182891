// The layout stands in record_parts.hpp.
#include "io/wire/record_for_checks.hpp"

#include "io/wire/document.hpp"
#include "io/wire/record_parts.hpp"

#include <algorithm>
#include <initializer_list>
#include <limits>

namespace shearline::wire {
namespace {

using Type = Value::Type;
using policy::CredentialStatus;
using policy::VersionState;

// The fields of one map as they come. Every read_*() takes the value of the entry that next() came to.
class FieldsInOrder {
 public:
  FieldsInOrder(Item map, std::string_view what, Fault& fault)
      : map_(map), left_(map.count()), key_(map.first()), what_(what), fault_(fault) {}

  bool next() {
    if (left_ == 0) return false;
    if (left_-- < map_.count()) key_ = key_.next().next();
    return true;
  }
  std::uint64_t code() const { return key_.value().number; }

  // Nothing: it is something else.
  std::optional<Item> read(Type type) {
    if (key_.next().is(type)) return key_.next();
    wrong(name(), "has the wrong type");
    return std::nullopt;
  }

  std::string_view read_text() {
    const std::optional<Item> text = read(Type::text);
    return text ? as_text(text->value().view) : std::string_view();
  }
  template <std::size_t N>
  void read_bytes(std::span<Byte, N> out) {
    const std::optional<Item> bytes = read(Type::bytes);
    if (!bytes) return;
    if (bytes->value().view.size() == N) {
      std::memcpy(out.data(), bytes->value().view.data(), N);
    } else {
      wrong(name(), "has the wrong length");
    }
  }
  std::int64_t read_integer() {
    const std::optional<Item> integer = read(Type::integer);
    if (!integer) return 0;
    const Value& value = integer->value();
    if (value.negative || value.number <= std::numeric_limits<std::int64_t>::max())
      return static_cast<std::int64_t>(value.number);
    wrong(name(), "is out of range");
    return 0;
  }
  template <class Enum>
  Enum read_enum(Enum last) {
    const std::string_view text = read_text();
    for (int i = 0; i <= static_cast<int>(last); ++i) {
      if (name_of(static_cast<Enum>(i)) == text) return static_cast<Enum>(i);
    }
    wrong(name(), "has an unknown value");
    return last;
  }
  void require(std::initializer_list<std::string_view> names) {
    for (const std::string_view wanted : names) {
      if (!has(key_code(wanted))) wrong(wanted, "is missing");
    }
  }

  void wrong(std::string_view field, std::string_view how) { fault_.note_field(what_, field, how); }

 private:
  std::string_view name() const { return as_text(key_.value().view); }
  bool has(std::uint64_t code) const {
    Item key = map_.first();
    for (std::uint32_t i = 0; i < map_.count(); ++i, key = key.next().next()) {
      if (key.value().number == code) return true;
    }
    return false;
  }

  Item map_;
  std::uint32_t left_;
  Item key_;  // of the entry that next() came to
  std::string_view what_;
  Fault& fault_;
};

// One record on its way from its bytes; what it finds wrong first is told.
class Decoder {
 public:
  explicit Decoder(CredentialForChecks& out) : out_(out) {}

  Status decode(Item root) {
    if (root.is(Type::map)) {
      read_credential(root);
    } else {
      fault_.note(std::string(what) + ": not a map");
    }
    if (layout_ != record_layout_version) {
      return fail(Code::invalid,
                  std::string(what) + ": layout version " + std::to_string(layout_) + " is not known here");
    }
    if (fault_.found()) return fail(Code::invalid, fault_.message());
    return {};
  }

 private:
  static constexpr std::string_view what = "credential record";

  void read_credential(Item map) {
    FieldsInOrder fields(map, what, fault_);
    while (fields.next()) read_field(fields);
    fields.require({"v", "t", "id", "s"});
  }

  void read_field(FieldsInOrder& fields) {
    switch (fields.code()) {
      case key_code("v"):
        layout_ = fields.read_integer();
        break;
      case key_code("t"):
        if (fields.read_text() != "credential") fields.wrong("t", "names another type of record");
        break;
      case key_code("id"):
        out_.client_id = fields.read_text();
        break;
      case key_code("s"):
        out_.status = fields.read_enum(CredentialStatus::destroyed);
        break;
      case key_code("cl"):
        out_.credential_class = fields.read_text();
        break;
      case key_code("fk"):
        fields.read_bytes<16>(out_.foreign_key_lookup.emplace());
        break;
      case key_code("fp"):
        fields.read_bytes<32>(out_.secret_fingerprint);
        break;
      case key_code("ca"):
      case key_code("lr"):
        note_moment(fields.read_integer());
        break;
      case key_code("ex"):
        out_.expires_at_ms = fields.read_integer();
        break;
      case key_code("vs"):
        if (const std::optional<Item> versions = fields.read(Type::array)) read_versions(*versions);
        break;
      case key_code("ro"):
        if (const std::optional<Item> rotation = fields.read(Type::map)) read_rotation(*rotation);
        break;
      default:
        break;
    }
  }

  void read_versions(Item array) {
    Item version = array.first();
    for (std::uint32_t i = 0; i < array.count(); ++i, version = version.next()) {
      if (version.is(Type::map)) {
        read_version(version);
      } else {
        fault_.note("version: not a map");
      }
    }
  }

  void read_version(Item map) {
    FieldsInOrder fields(map, "version", fault_);
    VersionForChecks& out = out_.versions.emplace_back();
    while (fields.next()) read_field(fields, out);
    fields.require({"id", "d", "s"});
  }

  void read_field(FieldsInOrder& fields, VersionForChecks& out) {
    switch (fields.code()) {
      case key_code("id"): {
        std::array<Byte, 16> id{};
        fields.read_bytes<16>(id);
        out.version_id = Ulid::from_bytes(id);
        break;
      }
      case key_code("pk"):
        out.mac_key_ref = fields.read_text();
        break;
      case key_code("d"):
        fields.read_bytes(out.digest.writable());
        break;
      case key_code("s"):
        out.state = fields.read_enum(VersionState::destroyed);
        break;
      case key_code("na"):
        out.not_after_ms = fields.read_integer();
        break;
      case key_code("ca"):
      case key_code("pa"):
        note_moment(fields.read_integer());
        break;
      case key_code("ea"):
        out.ended_at_ms = fields.read_integer();
        note_moment(out.ended_at_ms);
        break;
      default:
        break;
    }
  }

  void read_rotation(Item map) {
    for (FieldsInOrder fields(map, what, fault_); fields.next();) {
      const std::uint64_t code = fields.code();
      if (code == key_code("ra") || code == key_code("no") || code == key_code("pr"))
        note_moment(fields.read_integer());
    }
  }

  void note_moment(TimeMs moment) { out_.newest_moment_ms = std::max(out_.newest_moment_ms, moment); }

  CredentialForChecks& out_;
  Fault fault_;
  std::int64_t layout_ = record_layout_version;
};

}  // namespace

Status decode_for_checks(ByteView payload, Document& document, CredentialForChecks& out) {
  if (const Status read = document.read(payload); !read)
    return fail(read.error().code, "credential record: " + read.error().message);
  std::vector<VersionForChecks> versions = std::move(out.versions);
  versions.clear();
  out = CredentialForChecks();
  out.versions = std::move(versions);
  return Decoder(out).decode({document, 0});
}

}  // namespace shearline::wire
