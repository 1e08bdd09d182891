// Reads one secret from a file or standard input into the locked arena. Never from the command line: other
// users of the machine can read that.
#pragma once

#include "base/error.hpp"
#include "base/secret.hpp"

#include <string>

namespace shearline::cli {

// "-" is standard input. One line ending at the end is not part of the secret. invalid: empty, or over
// bytes_max.
Result<Secret> read_secret_file(const std::string& path, std::size_t bytes_max);
Result<Secret> read_secret(int descriptor, std::string_view name, std::size_t bytes_max);

}  // namespace shearline::cli
