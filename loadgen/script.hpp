// What the load test says, built ahead: complete RESP frames in one piece of memory, and for each check
// whether the secret in it is the right one. Connections send ranges of frames straight from here and never
// build anything while the clock runs. Immutable once made, so all load threads share it.
#pragma once

#include "base/bytes.hpp"
#include "loadgen/population.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace shearline::loadgen {

enum class Mode : std::uint8_t { verify, mverify };

inline constexpr std::size_t pairs_per_frame_max = 4'096;  // protocols.md section 1
inline constexpr std::size_t script_checks_min = 1
                                                 << 16;  // so that few credentials do not mean few wrong ones
inline constexpr std::size_t script_checks_max = 1 << 22;  // about 350 MiB of frames

struct FrameKind {
  Mode mode = Mode::mverify;
  std::size_t batch = 256;  // pairs per MVERIFY; VERIFY has one
  double share = 1;         // of the frames, relative to the other kinds

  std::size_t checks() const { return mode == Mode::verify ? 1 : batch; }
};

struct ScriptOptions {
  std::vector<FrameKind> kinds = {FrameKind{}};
  double wrong_share = 0.1;  // of the checks, 0 to 1: known client, wrong secret
  double unknown_share = 0;  // of the checks, 0 to 1: a client that nobody knows
  std::uint64_t seed = 1;    // order and choice
};

class Script {
 public:
  // Every credential appears in random order before any appears again, as long as the script holds that many.
  Script(const Population& population, const ScriptOptions& options);

  std::size_t frames() const { return frames_.size(); }
  Mode mode(std::size_t frame) const { return frames_[frame].mode; }
  std::size_t checks(std::size_t frame) const { return frames_[frame].right_end - right_begin(frame); }
  double checks_per_frame() const;  // on average
  std::size_t checks_in_longest() const { return longest_; }
  ByteView bytes(std::size_t first_frame, std::size_t end_frame) const;
  // One byte per check of the frame: 1 the secret is right, 0 it is wrong.
  std::span<const Byte> right(std::size_t frame) const {
    return {right_.data() + right_begin(frame), checks(frame)};
  }
  // The MVERIFY frame with its first `checks` pairs only: the last one of a run with an exact count.
  std::string shortened(std::size_t frame, std::size_t checks) const;

 private:
  struct Frame {
    std::uint64_t text_end;   // in text_
    std::uint32_t right_end;  // in right_
    Mode mode;
  };
  enum class Kind : std::uint8_t { right, wrong, unknown };

  void append_check(const Credential& credential, Kind kind, Random& random);
  std::size_t text_begin(std::size_t frame) const { return frame == 0 ? 0 : frames_[frame - 1].text_end; }
  std::size_t right_begin(std::size_t frame) const { return frame == 0 ? 0 : frames_[frame - 1].right_end; }

  std::size_t longest_ = 0;
  std::string text_;
  std::vector<Frame> frames_;
  std::vector<Byte> right_;
};

// RESP: "$3\r\nabc\r\n", and "*5\r\n$7\r\nMVERIFY\r\n" for five items.
void append_bulk(std::string& out, std::string_view text);
void append_command(std::string& out, std::size_t items, std::string_view name);

}  // namespace shearline::loadgen
