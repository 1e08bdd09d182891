#include "cli/secret_input.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace shearline::cli {

Result<Secret> read_secret_file(const std::string& path, std::size_t bytes_max) {
  if (path == "-") return read_secret(STDIN_FILENO, "standard input", bytes_max);
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    return fail(errno == ENOENT ? Code::not_found : Code::invalid, path + ": " + std::strerror(errno));
  }
  auto secret = read_secret(descriptor, path, bytes_max);
  ::close(descriptor);
  return secret;
}

Result<Secret> read_secret(int descriptor, std::string_view name, std::size_t bytes_max) {
  constexpr std::size_t line_ending_bytes = 2;
  // One byte more than may be, so that what is too long is seen and not cut.
  Secret secret = Secret::of_size(bytes_max + line_ending_bytes + 1);
  std::size_t length = 0;
  while (length < secret.size()) {
    const ssize_t got = ::read(descriptor, secret.writable().data() + length, secret.size() - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(Code::invalid, std::string(name) + ": " + std::strerror(errno));
    if (got == 0) break;
    length += static_cast<std::size_t>(got);
  }
  const ByteView read = secret.reveal().first(length);
  if (length > 0 && read[length - 1] == '\n') --length;
  if (length > 0 && length < read.size() && read[length - 1] == '\r') --length;
  if (length == 0) return fail(Code::invalid, std::string(name) + " holds no secret");
  if (length > bytes_max) {
    return fail(Code::invalid,
                std::string(name) + " holds more than " + std::to_string(bytes_max) + " bytes");
  }
  secret.shrink(length);
  return secret;
}

}  // namespace shearline::cli
