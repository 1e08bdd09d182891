#include "cli/passphrase.hpp"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace shearline::cli {
namespace {

constexpr Byte key_ctrl_c = 0x03;
constexpr Byte key_ctrl_d = 0x04;
constexpr Byte key_backspace = 0x08;
constexpr Byte key_ctrl_u = 0x15;
constexpr Byte key_delete = 0x7f;

// The controlling terminal without echo, put back as it was at the end. Ctrl-C arrives as a key, so that no
// signal can leave the terminal silent.
class SilentTerminal {
 public:
  SilentTerminal() : descriptor_(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) {
    if (descriptor_ < 0 || tcgetattr(descriptor_, &before_) != 0) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON | ISIG);
    silent.c_cc[VMIN] = 1;
    silent.c_cc[VTIME] = 0;
    ready_ = tcsetattr(descriptor_, TCSAFLUSH, &silent) == 0;
  }
  ~SilentTerminal() {
    if (ready_) tcsetattr(descriptor_, TCSAFLUSH, &before_);
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  SilentTerminal(const SilentTerminal&) = delete;
  SilentTerminal& operator=(const SilentTerminal&) = delete;

  bool ready() const { return ready_; }
  void write(std::string_view text) const {
    if (::write(descriptor_, text.data(), text.size()) < 0) return;  // a prompt nobody sees harms nothing
  }
  Result<Plaintext> read_line(std::string_view prompt) const {
    write(prompt);
    TypedLine line;
    Byte byte = 0;
    while (true) {
      const ssize_t got = ::read(descriptor_, &byte, 1);
      const Typed typed = got == 1 ? line.key(byte) : Typed::given_up;
      wipe({&byte, 1});
      if (typed == Typed::more) continue;
      write("\n");
      if (typed == Typed::given_up) return fail(Code::unauthorized, "no passphrase was given");
      return line.take();
    }
  }

 private:
  int descriptor_;
  termios before_{};
  bool ready_ = false;
};

Result<Plaintext> prompt(std::string_view what_for, Asking asking) {
  const SilentTerminal terminal;
  if (!terminal.ready()) {
    return fail(Code::unauthorized, "a passphrase is needed for " + std::string(what_for) +
                                        " and there is no terminal: give --passphrase-file or set " +
                                        passphrase_variable);
  }
  auto first = terminal.read_line("Passphrase for " + std::string(what_for) + ": ");
  if (!first || asking == Asking::once) return first;
  const auto second = terminal.read_line("The same again: ");
  if (!second) return fail(second.error().code, second.error().message);
  if (!equal_in_constant_time(first->reveal(), second->reveal())) {
    return fail(Code::invalid, "the two passphrases differ");
  }
  return first;
}

Result<keys::KekSource> from_wherever(const std::string& file, std::string_view what_for, Asking asking) {
  if (!file.empty()) return keys::read_kek_source("passphrase-file:" + file);
  if (char* value = std::getenv(passphrase_variable); value != nullptr && *value != '\0') {
    auto source = keys::read_kek_source(std::string("passphrase-env:") + passphrase_variable);
    wipe({reinterpret_cast<Byte*>(value), std::strlen(value)});  // our own copy of the environment
    ::unsetenv(passphrase_variable);
    return source;
  }
  auto typed = prompt(what_for, asking);
  if (!typed) return std::unexpected(typed.error());
  return keys::passphrase_source(std::move(*typed));
}

}  // namespace

Result<keys::KekSource> ask_passphrase(const std::string& file, std::string_view what_for, Asking asking) {
  auto source = from_wherever(file, what_for, asking);
  if (!source) return source;
  if (asking == Asking::twice && source->material.size() < passphrase_bytes_min) {
    return fail(Code::invalid, "the passphrase for " + std::string(what_for) + " must have at least " +
                                   std::to_string(passphrase_bytes_min) + " characters");
  }
  return source;
}

Typed TypedLine::key(Byte byte) {
  const ByteSpan buffer = buffer_.writable();
  switch (byte) {
    case '\r':
    case '\n':
      return Typed::complete;
    case key_ctrl_c:
      return Typed::given_up;
    case key_ctrl_d:
      return length_ == 0 ? Typed::given_up : Typed::complete;
    case key_ctrl_u:
      length_ = 0;
      return Typed::more;
    case key_backspace:
    case key_delete:
      // One character may be several bytes of UTF-8.
      while (length_ > 0 && (buffer[length_ - 1] & 0xc0) == 0x80) --length_;
      if (length_ > 0) --length_;
      return Typed::more;
    default:
      break;
  }
  if (length_ == buffer.size()) return Typed::given_up;
  buffer[length_++] = byte;
  return Typed::more;
}

Plaintext TypedLine::take() {
  buffer_.shrink(length_);
  return std::move(buffer_);
}

}  // namespace shearline::cli
