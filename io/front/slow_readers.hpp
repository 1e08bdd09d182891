// Who is being sent replies and does not take them. Each block of replies must be taken whole within the patience of
// the worker, however it trickles; who lets it pass is handed over to be closed. Used by Connection; knows no
// sockets.
#pragma once

#include "io/loop/loop.hpp"

#include <boost/intrusive/list.hpp>

#include <cstdint>

namespace shearline::front {

// Lifecycle: as long as its connection, which names what happens when the time is over.
struct BlockUnderWay
    : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
  void (*overdue)(BlockUnderWay* self) = nullptr;
  std::int64_t deadline_ms = 0;
};

// All have the same patience, so they stand in the order of their deadlines: beginning and ending costs a few
// instructions, and one timer is enough, which runs only while something is under way.
// Owner: one worker, its thread only.
class SlowReaders : loop::Timer {
 public:
  SlowReaders(loop::Loop& loop, std::int64_t patience_ms) : loop_(loop), patience_ms_(patience_ms) {
    expire = [](loop::Timer* timer) { static_cast<SlowReaders*>(timer)->call_overdue(); };
  }

  void begin(BlockUnderWay& block) {
    block.deadline_ms = loop_.monotonic_ms() + patience_ms_;
    if (under_way_.empty()) loop_.start_timer(*this, block.deadline_ms);
    under_way_.push_back(block);
  }
  void end(BlockUnderWay& block) {
    if (!block.is_linked()) return;
    block.unlink();
    if (under_way_.empty()) loop_.stop_timer(*this);
  }

 private:
  void call_overdue() {
    const std::int64_t now_ms = loop_.monotonic_ms();
    while (!under_way_.empty() && under_way_.front().deadline_ms <= now_ms) {
      BlockUnderWay& late = under_way_.front();
      under_way_.pop_front();
      late.overdue(&late);
    }
    if (!under_way_.empty()) loop_.start_timer(*this, under_way_.front().deadline_ms);
  }

  loop::Loop& loop_;
  const std::int64_t patience_ms_;
  boost::intrusive::list<BlockUnderWay, boost::intrusive::constant_time_size<false>> under_way_;
};

}  // namespace shearline::front
