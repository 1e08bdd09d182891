// "No new work, and I know when the old is done": fibers of one actor that come and go. enter() refuses after close();
// close() returns when the last one has left. Control thread only.
#pragma once

#include "base/log.hpp"
#include "io/loop/fiber_scheduler.hpp"

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <utility>

namespace shearline::actors {

class Gate {
 public:
  // at_most fibers at a time; run() parks the caller while all hands are busy.
  Gate(loop::Loop& loop, std::string name, std::size_t at_most)
      : loop_(loop), name_(std::move(name)), at_most_(at_most), changed_(loop) {}

  // Runs `work` on a fiber of its own. false: the gate is closed and nothing was run.
  bool run(std::function<void()> work) {
    while (!closed_ && inside_ >= at_most_) wait_for_change();
    if (closed_) return false;
    ++inside_;
    loop::spawn(name_, [this, work = std::move(work)] {
      work();
      --inside_;
      changed_.set();
    }).detach();
    return true;
  }

  void close() {
    closed_ = true;
    changed_.set();
    while (inside_ > 0) wait_for_change();
  }
  bool closed() const { return closed_; }

 private:
  void wait_for_change() {
    changed_.reset();
    changed_.wait();
  }

  loop::Loop& loop_;
  std::string name_;
  std::size_t at_most_;
  std::size_t inside_ = 0;
  bool closed_ = false;
  loop::Event changed_;
};

// A lock per client id, so that two commands, or a command and a timer, never work on one credential at a time. What
// would conflict in the store anyway waits here instead.
class ClientLocks {
 public:
  explicit ClientLocks(loop::Loop& loop) : changed_(loop) {}

  class Held {
   public:
    Held(ClientLocks& locks, std::string client_id) : locks_(&locks), client_id_(std::move(client_id)) {}
    Held(Held&& other) noexcept
        : locks_(std::exchange(other.locks_, nullptr)), client_id_(std::move(other.client_id_)) {}
    Held& operator=(Held&&) = delete;
    ~Held() {
      if (locks_ == nullptr) return;
      locks_->busy_.erase(client_id_);
      locks_->changed_.set();
    }

   private:
    ClientLocks* locks_;
    std::string client_id_;
  };

  Held lock(const std::string& client_id) {
    while (!busy_.insert(client_id).second) {
      changed_.reset();
      changed_.wait();
    }
    return {*this, client_id};
  }

 private:
  std::set<std::string> busy_;
  loop::Event changed_;
};

}  // namespace shearline::actors
