#include "ledger/hash_chain.hpp"

#include "base/encoding.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace shearline::ledger {
namespace {

using nlohmann::json;

bool has_number(const json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_number_unsigned();
}
bool has_text(const json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_string();
}

}  // namespace

std::string event_id(ByteView event) { return hex(ByteView(sha256(event)).first(16)); }

Result<Line> parse_line(std::string_view text) {
  const json parsed = json::parse(text, nullptr, false);
  const bool whole = parsed.is_object() && has_number(parsed, "seq") && has_text(parsed, "prev") &&
                     has_text(parsed, "id") && has_number(parsed, "partition") &&
                     has_number(parsed, "counter") && has_number(parsed, "index") &&
                     parsed.contains("event") && parsed["event"].is_object();
  if (!whole) return fail(Code::invalid, "not a line of an audit trail");
  Line line;
  line.seq = parsed["seq"].get<std::uint64_t>();
  line.prev = parsed["prev"].get<std::string>();
  line.id = parsed["id"].get<std::string>();
  line.place.partition = parsed["partition"].get<unsigned>();
  line.place.counter = parsed["counter"].get<std::uint64_t>();
  line.place.index = parsed["index"].get<std::uint32_t>();
  if (has_number(parsed["event"], "at_ms")) line.at_ms = parsed["event"]["at_ms"].get<TimeMs>();
  return line;
}

Result<HashChain> HashChain::after(std::string_view text) {
  Result<Line> line = parse_line(text);
  if (!line) return std::unexpected(line.error());
  HashChain chain;
  chain.lines_ = line->seq;
  chain.head_ = sha256(as_bytes(text));
  chain.remember(std::move(line->id), line->place);
  return chain;
}

Result<Line> HashChain::accept(std::string_view text) {
  Result<Line> line = parse_line(text);
  if (!line) return line;
  if (line->seq != lines_ + 1) {
    return fail(Code::invalid, "the sequence number is not " + std::to_string(lines_ + 1));
  }
  if (line->prev != hex(head_)) {
    return fail(Code::invalid, "it does not name the hash of the line before it");
  }
  head_ = sha256(as_bytes(text));
  ++lines_;
  remember(line->id, line->place);
  return line;
}

void HashChain::add(Draft& draft, const Place& place, ByteView event, std::string_view event_json) {
  std::string id = event_id(event);
  if (!draft.ids.insert(id).second) return;
  std::string line = "{\"seq\":" + std::to_string(draft.lines + 1) + ",\"prev\":\"" + hex(draft.head) +
                     "\",\"id\":\"" + id + "\",\"partition\":" + std::to_string(place.partition) +
                     ",\"counter\":" + std::to_string(place.counter) +
                     ",\"index\":" + std::to_string(place.index) + ",\"record\":\"" + hex(place.record_hash) +
                     "\",\"event\":";
  line += event_json;
  line += '}';
  draft.head = sha256(as_bytes(line));
  ++draft.lines;
  draft.events.push_back({std::move(id), place});
  draft.text += line;
  draft.text += '\n';
}

void HashChain::commit(Draft draft) {
  lines_ = draft.lines;
  head_ = draft.head;
  for (Draft::Written& written : draft.events) remember(std::move(written.id), written.place);
}

void HashChain::remember(std::string id, const Place& place) {
  Reached& furthest = furthest_[place.partition];
  furthest = std::max(furthest, {place.counter, place.index});
  if (!ids_.insert(id).second) return;
  order_.push_back(std::move(id));
  if (order_.size() > remembered_max) {
    ids_.erase(order_.front());
    order_.pop_front();
  }
}

HashChain::Recall HashChain::recall(std::string_view event_id, const Place& place) const {
  if (ids_.contains(event_id)) return Recall::written;
  if (order_.size() == lines_) return Recall::not_written;  // there never were others
  const auto furthest = furthest_.find(place.partition);
  const bool beyond = furthest != furthest_.end() && std::pair(place.counter, place.index) > furthest->second;
  return beyond ? Recall::not_written : Recall::perhaps;
}

}  // namespace shearline::ledger
