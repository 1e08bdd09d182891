// What kek.cpp and files.cpp share: a descriptor that closes itself, and the system's words for an errno.
#pragma once

#include "base/error.hpp"

#include <sys/stat.h>

#include <string>
#include <utility>

namespace shearline::keys {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor();

  int fd() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }

 private:
  int fd_;
};

Result<Descriptor> open_for_reading(const std::string& path);
// For an open file, so that what is checked is what is read. Pipes and devices pass: they have no mode to keep.
Status check_private(const Descriptor& file, const std::string& path);
Status check_private(const struct stat& facts, const std::string& path);
// "path: No such file or directory", not_found; invalid for what is no file or not for us; else unavailable.
Error system_error(const std::string& path, int error);

}  // namespace shearline::keys
