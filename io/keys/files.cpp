// Whole files, written so that a crash leaves the old one or the new one and never a part.
#include "io/keys/files.hpp"

#include "io/keys/keyring.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace shearline::keys {
namespace {

Status write_all(const Descriptor& file, ByteView content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t written = ::write(file.fd(), content.data(), content.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return std::unexpected(system_error(path, errno));
    }
    content = content.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// The new name is durable only when its folder is.
Status sync_folder(const std::string& folder) {
  const Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.is_open() || ::fsync(opened.fd()) != 0) return std::unexpected(system_error(folder, errno));
  return {};
}

// Gives the finished temporary file its name. Without `replace`, link() refuses an existing name in one step.
Status publish(const std::string& temporary, const std::string& path, bool replace) {
  if (replace) {
    if (::rename(temporary.c_str(), path.c_str()) == 0) return {};
    return std::unexpected(system_error(path, errno));
  }
  if (::link(temporary.c_str(), path.c_str()) != 0) {
    if (errno == EEXIST) return fail(Code::conflict, path + ": is already there and is not overwritten");
    return std::unexpected(system_error(path, errno));
  }
  ::unlink(temporary.c_str());
  return {};
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Error system_error(const std::string& path, int error) {
  const bool stays_so = error == EISDIR || error == ENOTDIR || error == EACCES;  // however long one waits
  const Code code = error == ENOENT ? Code::not_found : stays_so ? Code::invalid : Code::unavailable;
  return {code, path + ": " + std::generic_category().message(error)};
}

Result<Descriptor> open_for_reading(const std::string& path) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return std::unexpected(system_error(path, errno));
  return file;
}

Status check_private(const Descriptor& file, const std::string& path) {
  struct stat facts{};
  if (::fstat(file.fd(), &facts) != 0) return std::unexpected(system_error(path, errno));
  return check_private(facts, path);
}

Status check_private(const struct stat& facts, const std::string& path) {
  if (!S_ISREG(facts.st_mode) || (facts.st_mode & 077) == 0) return {};
  char mode[8];
  std::snprintf(mode, sizeof mode, "%04o", facts.st_mode & 07777U);
  return fail(Code::invalid, path + ": others may read it (mode " + mode + "); run chmod 600 " + path);
}

Status check_private(const std::string& path) {
  const Result<Descriptor> file = open_for_reading(path);
  if (!file) return std::unexpected(file.error());
  return check_private(*file, path);
}

Result<Bytes> read_file(const std::string& path, std::size_t bytes_max) {
  const Result<Descriptor> file = open_for_reading(path);
  if (!file) return std::unexpected(file.error());
  Bytes out;
  Byte chunk[4096];
  for (;;) {
    const ssize_t got = ::read(file->fd(), chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(system_error(path, errno));
    if (got == 0) return out;
    append(out, ByteView(chunk).first(static_cast<std::size_t>(got)));
    if (out.size() > bytes_max) {
      return fail(Code::invalid, path + ": is longer than " + std::to_string(bytes_max) + " bytes");
    }
  }
}

Status write_private_file(const std::string& path, ByteView content, bool replace) {
  const std::string folder = folder_of(path);
  std::string temporary = path + ".new-XXXXXX";
  const Descriptor file(::mkostemp(temporary.data(), O_CLOEXEC));  // mode 0600
  if (!file.is_open()) return std::unexpected(system_error(folder, errno));
  Status status = write_all(file, content, temporary);
  if (status && ::fsync(file.fd()) != 0) status = std::unexpected(system_error(temporary, errno));
  if (status) status = publish(temporary, path, replace);
  if (!status) {
    ::unlink(temporary.c_str());
    return status;
  }
  return sync_folder(folder);
}

}  // namespace shearline::keys
