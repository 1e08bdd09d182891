// Clients that misbehave beside the load, each a link of its own: one asks and hardly reads, one sends what is no
// question. What comes of it is counted, never judged: the verdict is how the load beside them fares. Owned by a load
// thread.
#pragma once

#include "loadgen/link.hpp"
#include "loadgen/observed.hpp"
#include "loadgen/script.hpp"

#include <string>
#include <vector>

namespace shearline::loadgen {

class SlowReader final : public Link {
 public:
  SlowReader(loop::Loop& loop, const Target& target, const Script& script, std::uint64_t bytes_per_s,
             SlowReaderCounts& counts);

 private:
  static constexpr std::int64_t sip_ms = 100;
  struct Sip : loop::Timer {
    SlowReader* reader = nullptr;
  };

  void on_up() override;
  void on_received(ByteView bytes) override;
  void on_sent() override;
  void on_down(const std::string& why) override;
  void ask();

  const Script& script_;
  const std::size_t bytes_per_sip_;
  SlowReaderCounts& counts_;
  std::size_t next_frame_ = 0;
  Sip sip_;
};

// What has been sent by mistake or malice, in the order of the senders: other protocols, broken RESP, sound RESP with
// nonsense in it, and frames of the script that were cut or had a byte changed.
std::vector<std::string> garbage_pieces(const Script& script, std::uint64_t seed);

class GarbageSender final : public Link {
 public:
  GarbageSender(loop::Loop& loop, const Target& target, const std::vector<std::string>& pieces,
                std::size_t first, GarbageCounts& counts);

 private:
  static constexpr std::int64_t patience_ms = 200;
  static constexpr std::int64_t pause_ms = 1;
  struct Patience : loop::Timer {
    GarbageSender* sender = nullptr;
  };

  void on_up() override;
  void on_received(ByteView bytes) override;
  void on_sent() override {}
  void on_down(const std::string& why) override;
  void next_piece();

  const std::vector<std::string>& pieces_;
  std::size_t piece_;
  bool was_up_ = false;        // the piece went out
  bool has_reaction_ = false;  // counted
  GarbageCounts& counts_;
  Patience patience_;
};

}  // namespace shearline::loadgen
