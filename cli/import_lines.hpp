// Reads the file of `shearline credential import`: one JSON object a line,
// {"client_id":"...","secret":"..."}. The secrets never leave the locked arena: the reader's buffer and each
// parsed secret live there, and no message quotes a line. A bad line is reported with its number and harms no
// other.
#pragma once

#include "base/error.hpp"
#include "base/secret.hpp"

#include <cstddef>
#include <optional>
#include <string>

namespace shearline::cli {

// A secret of 512 bytes written wholly as \u escapes, a client id and the syntax around them.
inline constexpr std::size_t import_line_bytes_max = 8 * 1024;
inline constexpr std::size_t import_buffer_bytes = 4 * import_line_bytes_max;

struct ImportLine {
  std::string client_id;
  Secret secret;
};

// invalid, saying what is wrong without quoting the line.
Result<ImportLine> parse_import_line(ByteView line);

// One line after another from a descriptor that the caller owns. Empty lines are skipped but counted.
class ImportReader {
 public:
  explicit ImportReader(int descriptor);

  struct Numbered {
    std::size_t number = 0;  // from 1
    Result<ImportLine> line;
  };
  // Empty at the end. unavailable: the file cannot be read on.
  Result<std::optional<Numbered>> next();

 private:
  enum class Fill { more, end, full };
  Result<Fill> fill();
  std::optional<Numbered> take(std::size_t length, std::size_t terminator);

  int descriptor_;
  Plaintext buffer_;
  std::size_t begin_ = 0;  // of what is not parsed yet
  std::size_t end_ = 0;
  std::size_t line_number_ = 0;
  bool at_end_ = false;
  bool skipping_ = false;  // inside a line that is too long
};

}  // namespace shearline::cli
