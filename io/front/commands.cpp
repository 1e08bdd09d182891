#include "io/front/commands.hpp"

#include <algorithm>
#include <array>

namespace shearline::front {
namespace {

constexpr std::size_t any = wire::resp_array_items_max;

// The hot ones first. MVERIFY's odd counts and upper limit have messages of their own, in the session.
constexpr std::array<CommandSpec, 16> specs{{
    {"verify", Command::verify, 2, 2, Access::gateways},
    {"mverify", Command::mverify, 2, any, Access::gateways},
    {"verifykey", Command::verifykey, 1, 1, Access::gateways},
    {"mverifykey", Command::mverifykey, 1, any, Access::gateways},
    {"explain", Command::explain, 2, 2, Access::gateways},
    {"ping", Command::ping, 0, 1, Access::gateways},
    {"echo", Command::echo, 1, 1, Access::gateways},
    {"hello", Command::hello, 0, any, Access::anyone},
    {"auth", Command::auth, 1, 2, Access::anyone},
    {"client", Command::client, 1, any, Access::gateways},
    {"command", Command::command, 0, any, Access::gateways},
    {"config", Command::config, 1, any, Access::gateways},
    {"info", Command::info, 0, any, Access::gateways},
    {"select", Command::select, 1, 1, Access::gateways},
    {"reset", Command::reset, 0, 0, Access::anyone},
    {"quit", Command::quit, 0, any, Access::anyone},
}};

bool is_spelled(ByteView name, std::string_view lower_case) {
  return std::ranges::equal(name, lower_case, [](Byte byte, char wanted) {
    return (byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte) == wanted;
  });
}

}  // namespace

const CommandSpec* find_command(ByteView name) {
  for (const CommandSpec& spec : specs) {
    if (spec.name.size() == name.size() && is_spelled(name, spec.name)) return &spec;
  }
  return nullptr;
}

bool is_check(Command command) { return command <= Command::explain; }

}  // namespace shearline::front
