// The thread that carries out the file operations of an epoll loop in their order. Knows no fibers.
#pragma once

#include "io/loop/loop.hpp"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace shearline::loop {

// epoll knows no files, and a write or sync of one may take long. The thread is made for the first operation;
// where there is none to be had, the operation is carried out on the spot.
// Owner and thread: one epoll loop, which is notified when something is done. Destroy with nothing in flight.
class FileHelper {
 public:
  struct Job {
    Operation* operation = nullptr;
    int file = -1;
    ByteView bytes;
    std::uint64_t offset = 0;
    bool is_sync = false;  // fdatasync instead of a write
    int result = 0;
  };

  explicit FileHelper(std::function<void()> on_done) : on_done_(std::move(on_done)) {}
  ~FileHelper();
  FileHelper(const FileHelper&) = delete;
  FileHelper& operator=(const FileHelper&) = delete;

  void submit(const Job& job);
  void take_done(std::vector<Job>& into);  // appends

 private:
  void serve();
  static int carry_out(const Job& job);

  const std::function<void()> on_done_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> waiting_;
  std::vector<Job> done_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace shearline::loop
