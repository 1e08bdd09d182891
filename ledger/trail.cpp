#include "ledger/trail.hpp"

#include <algorithm>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace shearline::ledger {

Result<ChainState> read_chain(std::istream& in, const EachLine& each) {
  ChainState state;
  std::vector<char> buffer(line_bytes_max + 2);
  const auto refused = [&](const std::string& why) {
    return fail(Code::invalid, "line " + std::to_string(state.chain.lines() + 1) + ": " + why);
  };
  while (in.getline(buffer.data(), static_cast<std::streamsize>(buffer.size())) || in.gcount() > 0) {
    const std::string_view text(buffer.data(), static_cast<std::size_t>(in.gcount()) - (in.eof() ? 0 : 1));
    if (text.size() > line_bytes_max || (in.fail() && !in.eof())) {
      return refused("it is longer than " + std::to_string(line_bytes_max) + " bytes");
    }
    if (in.eof()) {  // no newline at its end
      state.torn_bytes = text.size();
      break;
    }
    const Result<Line> line = state.chain.accept(text);
    if (!line) return refused(line.error().message);
    if (each) each(*line, state.good_bytes, static_cast<std::uint32_t>(text.size()));
    state.good_bytes += text.size() + 1;
  }
  if (in.bad()) return fail(Code::unavailable, "the file cannot be read");
  return state;
}

Result<ChainState> MergedTrail::add(std::istream& in) {
  const std::uint32_t file = files_++;
  TimeMs last = 0;  // an event that names no time stands where its file has it
  return read_chain(in, [&](const Line& line, std::uint64_t offset, std::uint32_t bytes) {
    last = line.at_ms == 0 ? last : line.at_ms;
    events_.push_back({line.id, last, line.place, {{file, bytes, offset, line.seq}}});
  });
}

std::vector<TrailEvent> MergedTrail::merge() && {
  const auto rank = [](const TrailEvent& event) {
    const Place& place = event.place;
    return std::tuple(event.at_ms, place.partition, place.counter, place.index);
  };
  std::ranges::stable_sort(events_, {}, rank);
  std::vector<TrailEvent> merged;
  std::unordered_map<std::string, std::size_t> known;
  for (TrailEvent& event : events_) {
    const auto [place, is_new] = known.try_emplace(event.id, merged.size());
    if (is_new) {
      merged.push_back(std::move(event));
    } else {
      merged[place->second].standings.push_back(event.standings.front());
    }
  }
  events_.clear();
  return merged;
}

}  // namespace shearline::ledger
