#include "ledger/hash_chain.hpp"

#include "base/encoding.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace shearline::ledger {

std::string event_id(ByteView event) { return hex(ByteView(sha256(event)).first(16)); }

Status HashChain::accept(std::string_view line) {
  const nlohmann::json parsed = nlohmann::json::parse(line, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("seq") || !parsed["seq"].is_number_unsigned() ||
      !parsed.contains("prev") || !parsed["prev"].is_string() || !parsed.contains("id") ||
      !parsed["id"].is_string()) {
    return fail(Code::invalid, "not a line of an audit trail");
  }
  if (parsed["seq"].get<std::uint64_t>() != lines_ + 1) {
    return fail(Code::invalid, "the sequence number is not " + std::to_string(lines_ + 1));
  }
  if (parsed["prev"].get_ref<const std::string&>() != hex(head_)) {
    return fail(Code::invalid, "it does not name the hash of the line before it");
  }
  head_ = sha256(as_bytes(line));
  ++lines_;
  remember(parsed["id"].get<std::string>());
  return {};
}

void HashChain::add(Draft& draft, const Place& place, ByteView event, std::string_view event_json) {
  std::string id = event_id(event);
  std::string line = "{\"seq\":" + std::to_string(draft.lines + 1) + ",\"prev\":\"" + hex(draft.head) +
                     "\",\"id\":\"" + id + "\",\"partition\":" + std::to_string(place.partition) +
                     ",\"counter\":" + std::to_string(place.counter) +
                     ",\"index\":" + std::to_string(place.index) + ",\"record\":\"" + hex(place.record_hash) +
                     "\",\"event\":";
  line += event_json;
  line += '}';
  draft.head = sha256(as_bytes(line));
  ++draft.lines;
  draft.ids.push_back(std::move(id));
  draft.text += line;
  draft.text += '\n';
}

void HashChain::commit(Draft draft) {
  lines_ = draft.lines;
  head_ = draft.head;
  for (std::string& id : draft.ids) remember(std::move(id));
}

void HashChain::remember(std::string id) {
  if (!ids_.insert(id).second) return;
  order_.push_back(std::move(id));
  if (order_.size() > remembered_max) {
    ids_.erase(order_.front());
    order_.pop_front();
  }
}

Result<ChainState> read_chain(std::istream& in) {
  ChainState state;
  for (std::string line; std::getline(in, line);) {
    if (in.eof()) {  // no newline at its end
      state.torn_bytes = line.size();
      break;
    }
    if (Status fits = state.chain.accept(line); !fits) {
      return fail(Code::invalid,
                  "line " + std::to_string(state.chain.lines() + 1) + ": " + fits.error().message);
    }
    state.good_bytes += line.size() + 1;
  }
  return state;
}

}  // namespace shearline::ledger
