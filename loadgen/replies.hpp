// Reads the server's answers as they arrive in pieces and compares each verdict with what the script expects:
// right secrets are accepted (current, grace, next), wrong ones rejected. Used by one connection; knows
// RESP's three reply forms that VERIFY and MVERIFY have, and no sockets.
#pragma once

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "loadgen/script.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace shearline::loadgen {

inline constexpr std::size_t reply_line_bytes_max = 1024;

// Things that went wrong, counted by what they were, each with its first example.
class Kinds {
 public:
  static constexpr std::size_t kinds_max = 32;  // whatever is beyond counts as "other"
  struct Entry {
    std::uint64_t count = 0;
    std::string first;
  };
  void count(std::string_view kind, std::string_view example);
  void merge(const Kinds& other);
  const std::map<std::string, Entry, std::less<>>& entries() const { return entries_; }
  std::uint64_t total() const;

 private:
  Entry& entry(std::string_view kind);
  std::map<std::string, Entry, std::less<>> entries_;
};

struct Tally {
  static constexpr std::string_view letters = "cgnrmtu";
  static std::string_view name_of(char letter);  // "current"

  std::array<std::uint64_t, 256> by_letter{};  // checks per verdict byte
  std::uint64_t checks = 0;                    // answered with a verdict
  std::uint64_t frames = 0;
  std::uint64_t mismatches = 0;  // verdicts other than the secret deserved
  std::uint64_t errors = 0;      // frames answered with a RESP error other than UNAVAILABLE
  Kinds error_kinds;             // by the error's first word: "NOAUTH"

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

  // Another connection begins: what was unfinished on the one before is forgotten.
  void begin_at(std::size_t frame);
  // After `frames_before` more answers comes the last one, with this many verdicts only.
  void shorten_last(std::size_t frames_before, std::size_t checks) { shortened_ = {frames_before, checks}; }

 private:
  Status take_line(std::string_view line);
  Status take_body(ByteView part);
  void count(std::span<const Byte> right, ByteView verdicts);
  void count_all(char letter);
  void end_frame();
  std::span<const Byte> right() const;  // what is expected of the frame being answered

  struct Shortened {
    std::size_t frames_before;
    std::size_t checks;
  };
  const Script& script_;
  std::size_t frame_;
  std::optional<Shortened> shortened_;
  Tally& tally_;
  std::string line_;           // an unfinished line
  std::size_t body_left_ = 0;  // of an MVERIFY answer, its CRLF included
  std::size_t ended_ = 0;      // frames, within this feed
};

}  // namespace shearline::loadgen
