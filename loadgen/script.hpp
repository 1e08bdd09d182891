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

struct ScriptOptions {
  Mode mode = Mode::mverify;
  std::size_t batch = 256;   // pairs per MVERIFY; VERIFY has one
  double wrong_share = 0.1;  // of the checks, 0 to 1
  std::uint64_t seed = 1;    // order and choice of the wrong ones
};

class Script {
 public:
  // Every credential appears in random order before any appears again, as long as the script holds that many.
  Script(const Population& population, const ScriptOptions& options);

  std::size_t frames() const { return ends_.size(); }
  std::size_t checks_per_frame() const { return batch_; }
  Mode mode() const { return mode_; }
  ByteView bytes(std::size_t first_frame, std::size_t end_frame) const;
  // One byte per check of the frame: 1 the secret is right, 0 it is wrong.
  std::span<const Byte> right(std::size_t frame) const { return {right_.data() + frame * batch_, batch_}; }

 private:
  void append_check(const Credential& credential, bool is_right, Random& random);

  Mode mode_;
  std::size_t batch_;
  std::string text_;
  std::vector<std::uint64_t> ends_;  // where each frame ends in text_
  std::vector<Byte> right_;
};

}  // namespace shearline::loadgen
