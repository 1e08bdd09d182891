// Where the passphrase of the admin's keys or of a keyring comes from: a file, the environment, or the
// terminal without echo. It goes straight into the locked arena and never into a string.
#pragma once

#include "base/error.hpp"
#include "base/secret.hpp"
#include "io/keys/keyring.hpp"

#include <string>
#include <string_view>

namespace shearline::cli {

inline constexpr const char* passphrase_variable = "SHEARLINE_PASSPHRASE";
inline constexpr std::size_t passphrase_bytes_max = 1024;
inline constexpr std::size_t passphrase_bytes_min = 8;  // for new ones

enum class Asking { once, twice };  // twice: a new passphrase, typed again and of a least length

// file empty: SHEARLINE_PASSPHRASE, then the terminal. unauthorized: nobody gave one.
Result<keys::KekSource> ask_passphrase(const std::string& file, std::string_view what_for, Asking asking);

// A typed line as it stands after each key: the editing a terminal would have done. Pure; true when it is
// complete.
enum class Typed { more, complete, given_up };
class TypedLine {
 public:
  TypedLine() : buffer_(Plaintext::of_size(passphrase_bytes_max)) {}
  Typed key(Byte byte);
  Plaintext take();

 private:
  Plaintext buffer_;
  std::size_t length_ = 0;
};

}  // namespace shearline::cli
