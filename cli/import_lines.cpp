#include "cli/import_lines.hpp"

#include "policy/model.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace shearline::cli {
namespace {

// Walks one line of JSON of exactly this shape. A general parser would put the secret into strings that
// nobody wipes; this one decodes straight into arena memory.
class Scanner {
 public:
  explicit Scanner(ByteView line) : rest_(line) {}

  bool accept(char wanted) {
    skip_blanks();
    if (rest_.empty() || rest_.front() != static_cast<Byte>(wanted)) return false;
    rest_ = rest_.subspan(1);
    return true;
  }
  bool at_end() {
    skip_blanks();
    return rest_.empty();
  }

  // A JSON string, unescaped into `out`; the number of bytes written.
  Result<std::size_t> string_into(ByteSpan out) {
    if (!accept('"')) return fail(Code::invalid, "expected a string");
    std::size_t length = 0;
    while (!rest_.empty()) {
      const Byte byte = rest_.front();
      rest_ = rest_.subspan(1);
      if (byte == '"') return length;
      if (byte < 0x20) return fail(Code::invalid, "an unescaped control character in a string");
      std::uint32_t code_point = byte;
      if (byte == '\\') {
        const auto escaped = escape();
        if (!escaped) return std::unexpected(escaped.error());
        code_point = *escaped;
      } else if (byte >= 0x80) {
        // Bytes of a multi-byte character stand as they are; the whole string is checked by the caller.
        if (length == out.size()) return fail(Code::invalid, "a string that is too long");
        out[length++] = byte;
        continue;
      }
      if (!put(code_point, out, length)) return fail(Code::invalid, "a string that is too long");
    }
    return fail(Code::invalid, "a string without its closing quote");
  }

 private:
  void skip_blanks() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t' || rest_.front() == '\r')) {
      rest_ = rest_.subspan(1);
    }
  }

  Result<std::uint32_t> escape() {
    if (rest_.empty()) return fail(Code::invalid, "an unfinished escape");
    const char kind = static_cast<char>(rest_.front());
    rest_ = rest_.subspan(1);
    switch (kind) {
      case '"':
      case '\\':
      case '/':
        return static_cast<std::uint32_t>(kind);
      case 'b':
        return 0x08;
      case 'f':
        return 0x0c;
      case 'n':
        return 0x0a;
      case 'r':
        return 0x0d;
      case 't':
        return 0x09;
      case 'u':
        return unicode_escape();
      default:
        return fail(Code::invalid, "an unknown escape");
    }
  }

  Result<std::uint32_t> unicode_escape() {
    const auto first = four_hex_digits();
    if (!first) return first;
    if (*first < 0xd800 || *first > 0xdfff) return first;
    const bool low_follows = rest_.size() >= 2 && rest_[0] == '\\' && rest_[1] == 'u';
    if (*first >= 0xdc00 || !low_follows) return fail(Code::invalid, "half of a surrogate pair");
    rest_ = rest_.subspan(2);
    const auto second = four_hex_digits();
    if (!second) return second;
    if (*second < 0xdc00 || *second > 0xdfff) return fail(Code::invalid, "half of a surrogate pair");
    return 0x10000 + ((*first - 0xd800) << 10) + (*second - 0xdc00);
  }

  Result<std::uint32_t> four_hex_digits() {
    if (rest_.size() < 4) return fail(Code::invalid, "an unfinished escape");
    std::uint32_t value = 0;
    for (const Byte digit : rest_.first(4)) {
      value <<= 4;
      if (digit >= '0' && digit <= '9')
        value |= static_cast<std::uint32_t>(digit - '0');
      else if (digit >= 'a' && digit <= 'f')
        value |= static_cast<std::uint32_t>(digit - 'a' + 10);
      else if (digit >= 'A' && digit <= 'F')
        value |= static_cast<std::uint32_t>(digit - 'A' + 10);
      else
        return fail(Code::invalid, "an unknown escape");
    }
    rest_ = rest_.subspan(4);
    return value;
  }

  static bool put(std::uint32_t code_point, ByteSpan out, std::size_t& length) {
    const std::size_t size = code_point < 0x80      ? 1U
                             : code_point < 0x800   ? 2U
                             : code_point < 0x10000 ? 3U
                                                    : 4U;
    if (out.size() - length < size) return false;
    constexpr std::array<Byte, 5> lead{0, 0x00, 0xc0, 0xe0, 0xf0};
    for (std::size_t i = size; i-- > 1; code_point >>= 6) {
      out[length + i] = static_cast<Byte>(0x80 | (code_point & 0x3f));
    }
    out[length] = static_cast<Byte>(lead[size] | code_point);
    length += size;
    return true;
  }

  ByteView rest_;
};

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(ByteView text) {
  for (std::size_t i = 0; i < text.size();) {
    const Byte lead = text[i];
    const std::size_t size = lead < 0x80                   ? 1U
                             : lead >= 0xc2 && lead < 0xe0 ? 2U
                             : (lead & 0xf0) == 0xe0       ? 3U
                             : lead >= 0xf0 && lead < 0xf5 ? 4U
                                                           : 0U;
    if (size == 0 || text.size() - i < size) return false;
    for (std::size_t k = 1; k < size; ++k) {
      if ((text[i + k] & 0xc0) != 0x80) return false;
    }
    if (lead == 0xe0 && text[i + 1] < 0xa0) return false;
    if (lead == 0xed && text[i + 1] >= 0xa0) return false;
    if (lead == 0xf0 && text[i + 1] < 0x90) return false;
    if (lead == 0xf4 && text[i + 1] >= 0x90) return false;
    i += size;
  }
  return true;
}

Result<std::string> read_client_id(Scanner& scanner) {
  std::array<Byte, policy::client_id_bytes_max> id;
  const auto length = scanner.string_into(id);
  if (!length) return fail(Code::invalid, "client_id: " + length.error().message);
  const std::string_view text = as_text(ByteView(id).first(*length));
  if (!policy::is_id(text)) return fail(Code::invalid, "client_id: 1 to 64 characters of [A-Za-z0-9._~-]");
  return std::string(text);
}

Result<Secret> read_secret(Scanner& scanner) {
  Secret secret = Secret::of_size(policy::secret_bytes_max);
  const auto length = scanner.string_into(secret.writable());
  if (!length) return fail(Code::invalid, "secret: " + length.error().message);
  secret.shrink(*length);
  if (secret.empty()) return fail(Code::invalid, "secret: empty");
  if (!is_utf8(secret.reveal())) return fail(Code::invalid, "secret: not UTF-8");
  return secret;
}

}  // namespace

Result<ImportLine> parse_import_line(ByteView line) {
  Scanner scanner(line);
  std::optional<std::string> client_id;
  std::optional<Secret> secret;
  if (!scanner.accept('{')) return fail(Code::invalid, "not a JSON object");
  do {
    std::array<Byte, 16> name;
    const auto length = scanner.string_into(name);
    if (!length) return fail(Code::invalid, "field name: " + length.error().message);
    const std::string_view field = as_text(ByteView(name).first(*length));
    if (!scanner.accept(':')) return fail(Code::invalid, "a field name without ':' after it");
    if (field == "client_id" && !client_id) {
      auto read = read_client_id(scanner);
      if (!read) return std::unexpected(read.error());
      client_id = std::move(*read);
    } else if (field == "secret" && !secret) {
      auto read = read_secret(scanner);
      if (!read) return std::unexpected(read.error());
      secret = std::move(*read);
    } else {
      // The name is not quoted: in a file with columns mixed up it may be somebody's secret.
      return fail(Code::invalid, "a field other than one client_id and one secret");
    }
  } while (scanner.accept(','));
  if (!scanner.accept('}') || !scanner.at_end())
    return fail(Code::invalid, "the object does not end as it should");
  if (!client_id) return fail(Code::invalid, "client_id is missing");
  if (!secret) return fail(Code::invalid, "secret is missing");
  return ImportLine{std::move(*client_id), std::move(*secret)};
}

ImportReader::ImportReader(int descriptor)
    : descriptor_(descriptor), buffer_(Plaintext::of_size(import_buffer_bytes)) {}

Result<std::optional<ImportReader::Numbered>> ImportReader::next() {
  std::size_t searched = 0;  // bytes from begin_ known to hold no newline
  while (true) {
    const ByteView pending = buffer_.reveal().subspan(begin_, end_ - begin_);
    const auto newline =
        std::find(pending.begin() + static_cast<std::ptrdiff_t>(searched), pending.end(), '\n');
    if (newline != pending.end()) {
      searched = 0;
      if (auto taken = take(static_cast<std::size_t>(newline - pending.begin()), 1)) return taken;
      continue;
    }
    searched = pending.size();
    if (at_end_) {
      if (pending.empty() && !skipping_) return std::nullopt;
      if (auto taken = take(pending.size(), 0)) return taken;
      return std::nullopt;
    }
    const auto filled = fill();
    if (!filled) return std::unexpected(filled.error());
    if (*filled == Fill::full) {
      skipping_ = true;
      wipe(buffer_.writable());
      begin_ = end_ = searched = 0;
    }
  }
}

// Reads once. `full`: the line does not fit into the buffer.
Result<ImportReader::Fill> ImportReader::fill() {
  const ByteSpan whole = buffer_.writable();
  if (begin_ > 0) {
    std::memmove(whole.data(), whole.data() + begin_, end_ - begin_);
    wipe(whole.subspan(end_ - begin_, begin_));
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == whole.size()) return Fill::full;
  ssize_t got = 0;
  do {
    got = ::read(descriptor_, whole.data() + end_, whole.size() - end_);
  } while (got < 0 && errno == EINTR);
  if (got < 0)
    return fail(Code::unavailable, "the import file cannot be read: " + std::string(std::strerror(errno)));
  at_end_ = got == 0;
  end_ += static_cast<std::size_t>(got);
  return at_end_ ? Fill::end : Fill::more;
}

// Takes one line off the buffer, parses it and wipes it. Empty for a line that says nothing.
std::optional<ImportReader::Numbered> ImportReader::take(std::size_t length, std::size_t terminator) {
  const ByteSpan line = buffer_.writable().subspan(begin_, length);
  const bool too_long = std::exchange(skipping_, false) || length > import_line_bytes_max;
  const bool blank =
      std::all_of(line.begin(), line.end(), [](Byte b) { return b == ' ' || b == '\t' || b == '\r'; });
  ++line_number_;
  begin_ += length + terminator;
  if (too_long) {
    wipe(line);
    return Numbered{line_number_,
                    fail(Code::invalid, "longer than " + std::to_string(import_line_bytes_max) + " bytes")};
  }
  if (blank) return std::nullopt;
  Numbered numbered{line_number_, parse_import_line(line)};
  wipe(line);
  return numbered;
}

}  // namespace shearline::cli
