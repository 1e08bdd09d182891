#include "io/wire/document.hpp"

#include <msgpack/null_visitor.hpp>
#include <msgpack/unpack.hpp>

#include <algorithm>

namespace shearline::wire {
namespace {

using Type = Value::Type;

// What most records and envelopes stay below.
constexpr std::size_t values_expected = 64;

// Builds the flat list of values. A visit that returns false ends the parse at once.
class Builder : public msgpack::null_visitor {
 public:
  explicit Builder(std::vector<Value>& values) : values_(values) {}
  const std::string& refusal() const { return refusal_; }

  bool visit_nil() { return add({.type = Type::nil}); }
  bool visit_boolean(bool value) { return add({.type = Type::boolean, .number = value ? 1U : 0U}); }
  bool visit_positive_integer(std::uint64_t value) { return add({.type = Type::integer, .number = value}); }
  bool visit_negative_integer(std::int64_t value) {
    return add({.type = Type::integer, .negative = true, .number = static_cast<std::uint64_t>(value)});
  }
  bool visit_float32(float) { return refuse("a floating-point number has no place here"); }
  bool visit_float64(double) { return refuse("a floating-point number has no place here"); }
  bool visit_ext(const char*, std::uint32_t) { return refuse("an extension type has no place here"); }
  bool visit_str(const char* data, std::uint32_t size) {
    return add({.type = Type::text, .view = as_bytes({data, size})});
  }
  bool visit_bin(const char* data, std::uint32_t size) {
    return add({.type = Type::bytes, .view = as_bytes({data, size})});
  }
  bool start_array(std::uint32_t items) {
    if (items > array_items_max) return refuse("an array has too many items");
    return open({.type = Type::array, .count = items});
  }
  bool start_map(std::uint32_t entries) {
    if (entries > map_entries_max) return refuse("a map has too many entries");
    return open({.type = Type::map, .count = entries});
  }
  bool end_array() { return close(); }
  bool end_map() { return keys_are_sound() && close(); }

 private:
  bool refuse(std::string_view why) {
    refusal_ = why;
    return false;
  }
  bool add(Value value) {
    if (values_.size() >= document_values_max) return refuse("too many values");
    value.end = static_cast<std::uint32_t>(values_.size()) + 1;
    values_.push_back(value);
    return true;
  }
  bool open(Value value) {
    if (depth_ == document_depth_max) return refuse("nested too deeply");
    open_[depth_++] = static_cast<std::uint32_t>(values_.size());
    return add(value);
  }
  bool close() {
    values_[open_[--depth_]].end = static_cast<std::uint32_t>(values_.size());
    return true;
  }
  // At most 64 keys, so comparing each with those before it beats anything that allocates.
  bool keys_are_sound() {
    std::array<std::uint64_t, map_entries_max> codes;
    std::array<std::uint32_t, map_entries_max> keys;
    std::size_t count = 0;
    const auto size = static_cast<std::uint32_t>(values_.size());
    for (std::uint32_t key = open_[depth_ - 1] + 1; key < size; key = values_[key + 1].end) {
      if (values_[key].type != Type::text) return refuse("a map key is not text");
      const std::uint64_t code = key_code(as_text(values_[key].view));
      for (std::size_t i = 0; i < count; ++i) {
        if (codes[i] == code && equal(values_[keys[i]].view, values_[key].view)) {
          return refuse("a map has the same key twice");
        }
      }
      values_[key].number = codes[count] = code;
      keys[count++] = key;
    }
    return true;
  }

  std::vector<Value>& values_;
  std::array<std::uint32_t, document_depth_max> open_{};
  std::size_t depth_ = 0;
  std::string refusal_;
};

}  // namespace

Result<Document> Document::parse(ByteView bytes) {
  Document document;
  document.values_.reserve(values_expected);
  if (const Status read = document.read(bytes); !read) return std::unexpected(read.error());
  return document;
}

Status Document::read(ByteView bytes) {
  Status status = build(bytes);
  if (!status) values_.clear();
  return status;
}

Status Document::build(ByteView bytes) {
  values_.clear();
  if (bytes.size() > document_bytes_max) return fail(Code::invalid, "msgpack: larger than 1 MiB");
  Builder builder(values_);
  std::size_t used = 0;
  bool whole = false;
  try {
    const std::string_view text = as_text(bytes);
    whole = msgpack::parse(text.data(), text.size(), used, builder);
  } catch (const msgpack::unpack_error&) {  // lengths no document of 1 MiB can have
    return fail(Code::invalid, "msgpack: a length is out of range");
  }
  if (!builder.refusal().empty()) return fail(Code::invalid, "msgpack: " + builder.refusal());
  if (!whole) return fail(Code::invalid, "msgpack: ends too early or is malformed");
  if (used != bytes.size()) return fail(Code::invalid, "msgpack: bytes follow after the end");
  return {};
}

void Fault::note_field(std::string_view what, std::string_view name, std::string_view how) {
  std::string message(what);
  message += ": field `";
  message += name;
  message += "` ";
  message += how;
  note(std::move(message));
}

Fields::Fields(Item map, std::string_view what, Fault& fault) : map_(map), what_(what), fault_(&fault) {
  if (!map.is(Type::map)) {
    fault.note(std::string(what) + ": not a map");
    return;
  }
  for (Item key = map.first(); count_ < map.count(); key = key.next().next()) {
    codes_[count_] = key.value().number;
    keys_[count_++] = key.index();
  }
}

void Fields::wrong(std::string_view name, std::string_view how) const {
  fault_->note_field(what_, name, how);
}

std::optional<Item> Fields::find(std::string_view name) const {
  const std::uint64_t code = key_code(name);
  for (std::uint32_t i = 0; i < count_; ++i) {
    if (codes_[i] != code) continue;
    const Item key = map_.at(keys_[i]);
    if (name.size() <= coded_bytes || as_text(key.value().view) == name) return key.next();
  }
  return std::nullopt;
}

std::optional<Item> Fields::optional(std::string_view name, Value::Type type) const {
  const std::optional<Item> item = find(name);
  if (!item) return std::nullopt;
  if (!item->is(type)) {
    wrong(name, "has the wrong type");
    return std::nullopt;
  }
  return item;
}

std::optional<Item> Fields::required(std::string_view name, Value::Type type) const {
  const std::optional<Item> item = optional(name, type);
  if (!item) wrong(name, "is missing");
  return item;
}

bool Fields::has(std::string_view name) const { return find(name).has_value(); }

ByteView Fields::text_view(std::string_view name) const {
  const std::optional<Item> item = required(name, Type::text);
  return item ? item->value().view : ByteView{};
}

std::string Fields::text(std::string_view name) const { return to_string(text_view(name)); }

std::string Fields::text_or(std::string_view name, std::string_view absent) const {
  const std::optional<Item> item = optional(name, Type::text);
  return item ? to_string(item->value().view) : std::string(absent);
}

ByteView Fields::bytes(std::string_view name) const {
  const std::optional<Item> item = required(name, Type::bytes);
  return item ? item->value().view : ByteView{};
}

std::int64_t Fields::signed_integer(std::string_view name, const Item& item) const {
  const Value& value = item.value();
  if (!value.negative && value.number > static_cast<std::uint64_t>(INT64_MAX)) {
    wrong(name, "is out of range");
    return 0;
  }
  return static_cast<std::int64_t>(value.number);
}

std::int64_t Fields::integer(std::string_view name) const {
  const std::optional<Item> item = required(name, Type::integer);
  return item ? signed_integer(name, *item) : 0;
}

std::int64_t Fields::integer_or(std::string_view name, std::int64_t absent) const {
  const std::optional<Item> item = optional(name, Type::integer);
  return item ? signed_integer(name, *item) : absent;
}

std::uint64_t Fields::unsigned_integer(std::string_view name) const {
  const std::optional<Item> item = required(name, Type::integer);
  if (!item) return 0;
  if (item->value().negative) {
    wrong(name, "is negative");
    return 0;
  }
  return item->value().number;
}

bool Fields::flag(std::string_view name) const {
  const std::optional<Item> item = optional(name, Type::boolean);
  return item && item->value().number != 0;
}

std::vector<Item> Fields::items(std::string_view name) const {
  std::vector<Item> out;
  const std::optional<Item> array = optional(name, Type::array);
  if (!array) return out;
  out.reserve(array->count());
  Item at = array->first();
  for (std::uint32_t i = 0; i < array->count(); ++i, at = at.next()) out.push_back(at);
  return out;
}

std::optional<Fields> Fields::fields(std::string_view name) const {
  const std::optional<Item> map = optional(name, Type::map);
  if (!map) return std::nullopt;
  return std::optional<Fields>(std::in_place, *map, what_, *fault_);
}

std::vector<std::string> Fields::texts(std::string_view name) const {
  std::vector<std::string> out;
  for (const Item& item : items(name)) {
    if (item.is(Type::text)) {
      out.push_back(to_string(item.value().view));
    } else {
      wrong(name, "holds something that is not text");
    }
  }
  return out;
}

}  // namespace shearline::wire
