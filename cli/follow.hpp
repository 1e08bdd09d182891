// Follows one rotation until it is promoted or ended, and says each change of state once. Used by `rotate`
// and `credential create --follow`.
#pragma once

#include "cli/exit_codes.hpp"
#include "cli/session.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace shearline::cli {

// What an answer to `status` says about a rotation.
struct RotationView {
  std::string rotation_id;
  std::string state;
  std::string json;  // the rotation as the engine shows it

  bool operator==(const RotationView&) const = default;
};
// Empty: the answer does not speak of it.
std::optional<RotationView> rotation_in(const policy::Answer& answer, std::string_view rotation_id);

enum class Ending { open, promoted, not_promoted };
Ending ending_of(std::string_view state);

// timeout_ms -1: as long as it takes, which the rotation's own deadline bounds.
Exit follow(Session& session, const std::string& client_id, const RotationView& from,
            std::int64_t timeout_ms);

// "" -> -1. invalid: not a duration.
Result<std::int64_t> timeout_from(std::string_view text);

}  // namespace shearline::cli
