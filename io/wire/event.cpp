// Audit events as msgpack for the outbox and as one line of JSON for people and the audit file. Fields that
// are empty are left out of both. In msgpack:
//   v layout version, ty type, at, id, wh who, su subject, ro rotation_id, ver version_id, be before, af after,
//   r reason, j justification, tk ticket, co correlation_id, cm command, ph policy_hash, nd node,
//   de detail as [[name, value] ...]
#include "io/wire/document.hpp"
#include "io/wire/msgpack_writer.hpp"
#include "io/wire/record.hpp"

#include <nlohmann/json.hpp>

namespace shearline::wire {
namespace {

constexpr std::uint64_t event_version = 1;

// One table for all three forms: what is added here is encoded, decoded and shown.
struct TextField {
  std::string_view wire_name;
  const char* json_name;
  std::string policy::AuditEvent::* member;
};
constexpr TextField text_fields[] = {
    {"id", "id", &policy::AuditEvent::id},
    {"wh", "who", &policy::AuditEvent::who},
    {"su", "subject", &policy::AuditEvent::subject},
    {"ro", "rotation_id", &policy::AuditEvent::rotation_id},
    {"ver", "version_id", &policy::AuditEvent::version_id},
    {"be", "before", &policy::AuditEvent::before},
    {"af", "after", &policy::AuditEvent::after},
    {"r", "reason", &policy::AuditEvent::reason},
    {"j", "justification", &policy::AuditEvent::justification},
    {"tk", "ticket", &policy::AuditEvent::ticket},
    {"co", "correlation_id", &policy::AuditEvent::correlation_id},
    {"cm", "command", &policy::AuditEvent::command},
    {"ph", "policy_hash", &policy::AuditEvent::policy_hash},
    {"nd", "node", &policy::AuditEvent::node},
};

std::vector<std::pair<std::string, std::string>> read_detail(const Fields& fields) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const Item& item : fields.items("de")) {
    const bool is_pair = item.is(Value::Type::array) && item.count() == 2 &&
                         item.first().is(Value::Type::text) && item.first().next().is(Value::Type::text);
    if (!is_pair) {
      fields.wrong("de", "holds something other than [name, value]");
      return out;
    }
    out.emplace_back(to_string(item.first().value().view), to_string(item.first().next().value().view));
  }
  return out;
}

}  // namespace

Bytes encode_event(const policy::AuditEvent& event) {
  MapWriter map;
  map.unsigned_integer("v", event_version);
  map.text("ty", event.type);
  map.integer("at", event.at_ms);
  for (const TextField& field : text_fields) map.text_unless("", field.wire_name, event.*field.member);
  if (!event.detail.empty()) {
    Writer<GrowingSink> writer = map.field("de");
    writer.array(event.detail.size());
    for (const auto& [name, value] : event.detail) {
      writer.array(2);
      writer.text(name);
      writer.text(value);
    }
  }
  return map.finish();
}

Result<policy::AuditEvent> decode_event(ByteView payload) {
  const Result<Document> document = Document::parse(payload);
  if (!document) return fail(Code::invalid, "event: " + document.error().message);
  Fault fault;
  const Fields fields(Item(*document, 0), "event", fault);
  const std::uint64_t version = fields.unsigned_integer("v");
  if (!fault.found() && version != event_version) {
    return fail(Code::invalid, "event: version " + std::to_string(version) + " is not known here");
  }
  policy::AuditEvent out;
  out.type = fields.text("ty");
  out.at_ms = fields.integer("at");
  for (const TextField& field : text_fields) out.*field.member = fields.text_or(field.wire_name, "");
  out.detail = read_detail(fields);
  if (fault.found()) return fail(Code::invalid, fault.message());
  return out;
}

std::string event_json(const policy::AuditEvent& event) {
  nlohmann::ordered_json json;
  json["type"] = event.type;
  json["at"] = rfc3339(event.at_ms);
  json["at_ms"] = event.at_ms;
  for (const TextField& field : text_fields) {
    const std::string& value = event.*field.member;
    if (!value.empty()) json[field.json_name] = value;
  }
  for (const auto& [name, value] : event.detail) json["detail"][name] = value;
  // Text that is not UTF-8 came from outside; it is shown with replacement characters, never refused here.
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace shearline::wire
