// Runs a command of the user's again and again while the load goes on: rotations, restarts, whatever shall happen
// during it. Each runner has a thread of its own, which only waits for its children. Their output is never shown
// as a whole: a secret may stand in it.
#pragma once

#include "loadgen/plan.hpp"
#include "loadgen/population.hpp"
#include "loadgen/replies.hpp"
#include "loadgen/rotated.hpp"

#include <atomic>
#include <cstdint>
#include <list>
#include <string>
#include <thread>

namespace shearline::loadgen {

struct DuringCounts {
  std::string run;
  std::uint64_t started = 0;
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
  std::uint64_t ended_by_us = 0;  // still running at the end
  std::uint64_t clients = 0;      // of the population, given to them
  bool ran_out_of_clients = false;
  Kinds failures;  // by status, each with the last line of the first one's stderr
};

class DuringRunner {
 public:
  // Starts at once. Where `command.learn`, an output line that is a JSON object with "client_id" and either "secret"
  // or "secret_file" (what `shearline --json inbox` writes) tells a new secret. A command that names $CLIENT_IDS
  // is dealt clients by that file, a line each, as fast as it takes them; one that names $CLIENT_ID is started for
  // each client.
  DuringRunner(const DuringCommand& command, const Population& population, RotatedSecrets& rotated);
  ~DuringRunner();
  DuringRunner(const DuringRunner&) = delete;
  DuringRunner& operator=(const DuringRunner&) = delete;

  // Ends its children (SIGTERM, two seconds later SIGKILL) and says what came of them all.
  DuringCounts stop();

 private:
  struct Child {
    int pid = -1;
    int in = -1;  // where its clients are written; -1: it gets none (any more)
    int out = -1;
    int err = -1;
    std::string out_line;  // unfinished
    std::string err_line;  // the last one, for the report
  };

  void work();
  bool start_child();
  bool deal_clients();
  void read_output(std::int64_t wait_ms);
  void read_lines(Child& child);
  void read_errors(Child& child);
  void take_line(const std::string& line);
  void reap(bool stopping);
  void end_children();

  const DuringCommand command_;
  const Population& population_;
  RotatedSecrets& rotated_;
  std::size_t next_client_ = 0;
  std::list<Child> children_;
  DuringCounts counts_;
  std::atomic<bool> stopping_{false};
  std::jthread thread_;
};

}  // namespace shearline::loadgen
