// Who is at the other end of a connection as far as it said, what sessions of one worker share, and the
// commands with which clients introduce themselves: HELLO, AUTH, CLIENT, COMMAND, CONFIG, SELECT, INFO. They
// are rare, so their arguments are collected first; verification never passes through here.
#pragma once

#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "engine/table.hpp"
#include "io/front/commands.hpp"
#include "io/front/front.hpp"
#include "io/wire/resp.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace shearline::front {

// A caller allowed to verify: its name, and SHA-256 of the token it presents with AUTH.
struct Gateway {
  std::string name;
  Hash token_sha256{};
};

// Shared by all sessions of a worker; outlives them.
struct SessionRules {
  std::span<const Gateway> gateways;  // none: no AUTH needed
  std::string_view engine_version;
  std::string_view backend = "none";  // what stands under the loop
  std::size_t partitions = 16;        // whose view ages INFO tells
  std::uint32_t connections_max = 10'000;
  std::size_t unsent_bytes_max = 256 * 1024;
  const Front& front;
  const engine::View& view;
  Clock& clock;
  WorkerCounters& counters;
};

inline constexpr std::size_t client_name_bytes_max = 64;

struct Client {
  std::uint64_t id = 0;
  wire::RespVersion version = wire::RespVersion::resp2;
  std::string name;                  // CLIENT SETNAME
  const Gateway* gateway = nullptr;  // after AUTH

  bool may_verify(const SessionRules& rules) const { return rules.gateways.empty() || gateway != nullptr; }
};

// The arguments of one such command; AUTH's token may be among them, so they are wiped.
class CollectedArguments {
 public:
  CollectedArguments() = default;
  ~CollectedArguments();
  CollectedArguments(const CollectedArguments&) = delete;
  CollectedArguments& operator=(const CollectedArguments&) = delete;

  void add(ByteView argument);
  void overflow() { overflowed_ = true; }
  bool overflowed() const { return overflowed_; }  // more or longer than anything we understand
  std::size_t size() const { return count_; }
  ByteView operator[](std::size_t index) const;

 private:
  static constexpr std::size_t bytes_max = 2 * wire::resp_argument_bytes_max;
  static constexpr std::size_t count_max = 32;
  std::array<Byte, bytes_max> bytes_{};
  std::array<std::uint16_t, count_max> ends_{};
  std::size_t count_ = 0;
  bool overflowed_ = false;
};

// Appends the whole reply of `command`.
void answer_client_command(Command command, const CollectedArguments& arguments, Client& client,
                           const SessionRules& rules, Bytes& out);

}  // namespace shearline::front
