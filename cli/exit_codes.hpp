// The exit codes of `shearline`, in one table: scripts rely on the numbers, `--help` prints the table, and
// every run function returns one of them. Knows nothing of how a failure came about.
#pragma once

#include "base/error.hpp"

#include <array>
#include <string>
#include <string_view>

namespace shearline::cli {

enum class Exit : int {
  ok = 0,
  refused = 1,
  usage = 2,
  unavailable = 3,
  unauthorized = 4,
  conflict = 5,
  not_found = 6,
  rate_limited = 7,
  invalid = 8,
  internal_error = 9,
  rejected_secret = 10,
  not_promoted = 11,
  partly_done = 12,
};

struct ExitMeaning {
  Exit exit;
  std::string_view meaning;
};

inline constexpr std::array exit_table{
    ExitMeaning{Exit::ok, "done, or accepted; verify: the secret is current, grace or next"},
    ExitMeaning{Exit::refused, "refused by the policy (policy_violation)"},
    ExitMeaning{Exit::usage, "wrong options or arguments; nothing was tried"},
    ExitMeaning{Exit::unavailable, "no answer in time, or Redis or the engine cannot be reached"},
    ExitMeaning{Exit::unauthorized, "unknown admin, wrong passphrase, or a signature that does not hold"},
    ExitMeaning{Exit::conflict, "conflict, for example a rotation is already open"},
    ExitMeaning{Exit::not_found, "no such credential, rotation, group, admin or file"},
    ExitMeaning{Exit::rate_limited, "too many commands or checks; try again later"},
    ExitMeaning{Exit::invalid, "malformed input: a file, an id, a secret; audit: a chain is broken"},
    ExitMeaning{Exit::internal_error, "something failed here or in the engine that should not"},
    ExitMeaning{Exit::rejected_secret, "verify: the secret is not accepted"},
    ExitMeaning{Exit::not_promoted, "the rotation ended without being promoted; the old secret stays"},
    ExitMeaning{Exit::partly_done, "import: some lines were not taken; each is named"},
};

constexpr Exit exit_of(Code code) {
  switch (code) {
    case Code::ok:
      return Exit::ok;
    case Code::unauthorized:
      return Exit::unauthorized;
    case Code::policy_violation:
      return Exit::refused;
    case Code::conflict:
      return Exit::conflict;
    case Code::not_found:
      return Exit::not_found;
    case Code::rate_limited:
      return Exit::rate_limited;
    case Code::invalid:
      return Exit::invalid;
    case Code::unavailable:
      return Exit::unavailable;
    case Code::internal_error:
      return Exit::internal_error;
  }
  return Exit::internal_error;
}

// The table as `--help` shows it, one line each.
inline std::string exit_help() {
  std::string text = "Exit codes:\n";
  for (const ExitMeaning& row : exit_table) {
    const std::string number = std::to_string(static_cast<int>(row.exit));
    text +=
        "  " + std::string(number.size() < 2 ? 1 : 0, ' ') + number + "  " + std::string(row.meaning) + "\n";
  }
  return text;
}

}  // namespace shearline::cli
