// Reading audit trails: one file through its chain, and the trail of a deployment, which is the union of the files of all
// its nodes, merged so that each event shows once. Pure over streams; the CLI brings the files.
#pragma once

#include "ledger/hash_chain.hpp"

#include <cstdint>
#include <functional>
#include <istream>
#include <string>
#include <string_view>
#include <vector>

namespace shearline::ledger {

// A whole file read through a chain. A last line without its newline is what a crash leaves, or what is being written; it
// was never acknowledged and is counted as not there.
struct ChainState {
  HashChain chain;
  std::uint64_t good_bytes = 0;
  std::uint64_t torn_bytes = 0;
};
// Every line that fits is told to `each` with where it begins.
using EachLine = std::function<void(const Line& line, std::uint64_t offset, std::uint32_t bytes)>;
// invalid: names the first line that does not fit.
Result<ChainState> read_chain(std::istream& in, const EachLine& each = {});

// One event of a deployment, and the lines in which it stands.
struct TrailEvent {
  struct Standing {
    std::uint32_t file = 0;  // in the order they were added
    std::uint32_t bytes = 0;
    std::uint64_t offset = 0;
    std::uint64_t seq = 0;
  };
  std::string id;
  TimeMs at_ms = 0;
  Place place;
  std::vector<Standing>
      standings;  // more than one: a holder died between sync and acknowledgement, another wrote it too
};

class MergedTrail {
 public:
  // Checks the file's chain and takes its events in. invalid: names the first line that does not fit; what stands before it
  // is taken in.
  Result<ChainState> add(std::istream& in);

  // Each event once, in the order of the times they name; those of one moment in the order of their places.
  std::vector<TrailEvent> merge() &&;

 private:
  std::uint32_t files_ = 0;
  std::vector<TrailEvent> events_;  // one standing each
};

}  // namespace shearline::ledger
