// The commands of the verification port and their shapes (design: protocols.md section 1). Used by
// resp_session; knows no connections.
#pragma once

#include "base/bytes.hpp"
#include "io/wire/resp.hpp"

#include <cstdint>
#include <string_view>

namespace shearline::front {

inline constexpr std::size_t checks_per_request_max = 4096;
static_assert(2 * checks_per_request_max < wire::resp_array_items_max);

enum class Command : std::uint8_t {
  verify,
  mverify,
  verifykey,
  mverifykey,
  explain,
  ping,
  echo,
  hello,
  auth,
  client,
  command,
  config,
  info,
  select,
  reset,
  quit,
};

// Who may use it where gateways must name themselves.
enum class Access : std::uint8_t { anyone, gateways };

struct CommandSpec {
  std::string_view name;  // lower case
  Command command;
  std::size_t arguments_min;  // without the name
  std::size_t arguments_max;
  Access access;
};

const CommandSpec* find_command(ByteView name);  // any case; null: not one of ours
bool is_check(Command command);                  // asks for a verdict

}  // namespace shearline::front
