// See file_helper.hpp.
#include "io/loop/file_helper.hpp"

#include "base/helper_thread.hpp"
#include "base/log.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace shearline::loop {
namespace {

constexpr std::size_t write_bytes_max = 1U << 30;  // the kernel's own limit for one write is just under 2 GiB

}  // namespace

FileHelper::~FileHelper() {
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void FileHelper::submit(const Job& job) {
  if (!thread_.joinable()) {
    try {
      thread_ = start_helper_thread([this] { serve(); });
    } catch (const std::system_error& error) {
      log::warning("helper_thread_refused",
                   {{"error", error.what()}, {"reaction", "writing on the loop's thread"}});
      Job done = job;
      done.result = carry_out(job);
      const std::lock_guard guard(mutex_);
      done_.push_back(done);
      on_done_();
      return;
    }
  }
  {
    const std::lock_guard guard(mutex_);
    waiting_.push_back(job);
  }
  changed_.notify_one();
}

void FileHelper::take_done(std::vector<Job>& into) {
  const std::lock_guard guard(mutex_);
  into.insert(into.end(), done_.begin(), done_.end());
  done_.clear();
}

void FileHelper::serve() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    Job job = waiting_.front();
    waiting_.pop_front();
    lock.unlock();
    job.result = carry_out(job);
    lock.lock();
    done_.push_back(job);
    on_done_();
  }
}

int FileHelper::carry_out(const Job& job) {
  while (true) {
    const ssize_t result =
        job.is_sync ? ::fdatasync(job.file)
                    : ::pwrite(job.file, job.bytes.data(), std::min(job.bytes.size(), write_bytes_max),
                               static_cast<off_t>(job.offset));
    if (result >= 0) return static_cast<int>(result);
    if (errno != EINTR) return -errno;
  }
}

}  // namespace shearline::loop
