// Secrets that became known while the run went on, and a link that checks each of them together with the one it
// follows. Both must be accepted: the old one through its grace (which has to outlast the run), the new one from its
// promotion on. The store is filled by what runs commands (during.hpp), on threads of its own, and read by the checker
// on its load thread.
#pragma once

#include "loadgen/link.hpp"
#include "loadgen/observed.hpp"
#include "loadgen/population.hpp"

#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace shearline::loadgen {

struct RotatedSecret {
  std::string client_id;
  std::string old_secret;
  std::string new_secret;
};

class RotatedSecrets {
 public:
  explicit RotatedSecrets(const Population& population) : population_(population) {}

  // False: no client of the population, no secret, or nothing new.
  bool add(std::string_view client_id, std::string_view secret);
  std::vector<RotatedSecret> from(std::size_t index) const;

 private:
  const Population& population_;
  mutable std::mutex mutex_;
  std::vector<RotatedSecret> all_;
  std::unordered_map<std::string, std::size_t> newest_;  // client id -> its last place in all_
};

class RotatedChecker final : public Link {
 public:
  RotatedChecker(loop::Loop& loop, const Target& target, const RotatedSecrets& rotated,
                 RotatedCounts& counts);
  void conclude();  // at the end: counts what should have been accepted by now, and never was

 private:
  static constexpr std::int64_t pause_ms = 10;
  static constexpr std::size_t pairs_per_frame = 64;
  static constexpr std::int64_t promotion_ms_max =
      5'000;  // from when a secret is told until it must be accepted
  struct Known {
    RotatedSecret secrets;
    std::int64_t learnt_at_ms;
    bool accepted = false;  // the new one, once
    bool replaced = false;  // by a newer one
  };
  struct Pause : loop::Timer {
    RotatedChecker* checker = nullptr;
  };

  void on_up() override;
  void on_received(ByteView bytes) override;
  void on_sent() override {}
  void on_down(const std::string& why) override;
  void learn();
  void ask();
  void judge(std::string_view verdicts);

  const RotatedSecrets& rotated_;
  RotatedCounts& counts_;
  std::vector<Known> known_;
  std::unordered_map<std::string, std::size_t> newest_;
  std::size_t cursor_ = 0;
  std::vector<std::size_t> asked_;
  std::string frame_;
  std::string answer_;
  Pause pause_;
};

}  // namespace shearline::loadgen
