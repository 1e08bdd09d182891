// What credential, admin and group records have in common.
#include "io/wire/record_parts.hpp"

namespace shearline::wire {

using policy::AnsweredCommand;

MapWriter begin_record(std::string_view type) {
  MapWriter map;
  map.unsigned_integer("v", record_layout_version);
  map.text("t", type);
  return map;
}

Status check_record_head(const Fields& fields, std::string_view what, std::string_view type) {
  const std::uint64_t version = fields.unsigned_integer("v");
  if (!fields.fault().found() && version != record_layout_version) {
    return fail(Code::invalid,
                std::string(what) + ": layout version " + std::to_string(version) + " is not known here");
  }
  if (as_text(fields.text_view("t")) != type) fields.wrong("t", "names another type of record");
  if (fields.fault().found()) return fail(Code::invalid, fields.fault().message());
  return {};
}

void write_ulid(MapWriter& map, std::string_view name, const Ulid& ulid) {
  if (!ulid.is_none()) map.bytes(name, ulid.bytes());
}

Ulid read_ulid(const Fields& fields, std::string_view name) {
  return fields.has(name) ? Ulid::from_bytes(fields.exactly<16>(name)) : Ulid{};
}

std::set<std::string> read_set(const Fields& fields, std::string_view name) {
  const std::vector<std::string> texts = fields.texts(name);
  return {texts.begin(), texts.end()};
}

std::optional<Ulid> ulid_of(const Value& value) {
  if (value.view.size() != 16) return std::nullopt;
  return Ulid::from_bytes(value.view.first<16>());
}

void write_answered(MapWriter& map, const std::vector<AnsweredCommand>& answered) {
  if (answered.empty()) return;
  Writer<GrowingSink> writer = map.field("an");
  writer.array(answered.size());
  for (const AnsweredCommand& one : answered) {
    writer.array(4);
    writer.bytes(one.jti.bytes());
    writer.bytes(one.command_hash);
    writer.text(one.answer);
    writer.integer(one.keep_until_ms);
  }
}

std::vector<AnsweredCommand> read_answered(const Fields& fields) {
  using enum Value::Type;
  std::vector<AnsweredCommand> out;
  for (const Item& item : fields.items("an")) {
    const auto tuple = read_tuple<4>(item, {bytes, bytes, text, integer});
    const auto jti = tuple ? ulid_of((*tuple)[0]) : std::nullopt;
    if (!jti || (*tuple)[1].view.size() != 32) {
      fields.wrong("an", "holds something other than [jti, hash, answer, keep_until]");
      return out;
    }
    AnsweredCommand& one = out.emplace_back();
    one.jti = *jti;
    std::memcpy(one.command_hash.data(), (*tuple)[1].view.data(), 32);
    one.answer = to_string((*tuple)[2].view);
    one.keep_until_ms = static_cast<TimeMs>((*tuple)[3].number);
  }
  return out;
}

}  // namespace shearline::wire
