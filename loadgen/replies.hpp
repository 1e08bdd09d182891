// Reads the server's answers as they arrive in pieces and compares each verdict with what the script expects:
// right secrets are accepted (current, grace, next), wrong ones rejected. Used by one connection; knows
// RESP's three reply forms that VERIFY and MVERIFY have, and no sockets.
#pragma once

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "loadgen/script.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace shearline::loadgen {

inline constexpr std::size_t reply_line_bytes_max = 1024;

struct Tally {
  static constexpr std::string_view letters = "cgnrmtu";
  static std::string_view name_of(char letter);  // "current"

  std::array<std::uint64_t, 256> by_letter{};  // checks per verdict byte
  std::uint64_t checks = 0;                    // answered with a verdict
  std::uint64_t frames = 0;
  std::uint64_t mismatches = 0;  // verdicts other than the secret deserved
  std::uint64_t errors = 0;      // frames answered with a RESP error other than UNAVAILABLE
  std::string first_error;

  void merge(const Tally& other);
};

class ReplyReader {
 public:
  // Replies are expected for frames first_frame, first_frame + 1, ... round the script.
  ReplyReader(const Script& script, std::size_t first_frame, Tally& tally)
      : script_(script), frame_(first_frame), tally_(tally) {}

  // The number of frames whose replies ended within these bytes. invalid: what came is no answer to what was
  // asked; the connection is of no more use.
  Result<std::size_t> feed(ByteView bytes);

 private:
  Status take_line(std::string_view line);
  Status take_body(ByteView part);
  void count(std::span<const Byte> right, ByteView verdicts);
  void count_all(char letter);
  void end_frame();

  const Script& script_;
  std::size_t frame_;
  Tally& tally_;
  std::string line_;           // an unfinished line
  std::size_t body_left_ = 0;  // of an MVERIFY answer, its CRLF included
  std::size_t ended_ = 0;      // frames, within this feed
};

}  // namespace shearline::loadgen
