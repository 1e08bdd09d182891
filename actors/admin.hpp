// The admin actor: the door for signed commands. Checks signature, freshness and rate, answers what only reads, changes
// admins and groups itself (the `{sys}` partition), hands what changes a credential to rotation, and signs every answer.
// Only the holder of the control lease speaks; other nodes stay silent (design: protocols.md section 3). Control thread.
#pragma once

#include "actors/context.hpp"
#include "actors/directory.hpp"
#include "actors/known_state.hpp"
#include "actors/messages.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace shearline::actors {

inline constexpr std::size_t admin_commands_in_flight_max = 64;
inline constexpr std::int64_t refusals_written_every_ms = 10'000;
inline constexpr std::uint32_t stranger_answers_per_second = 20;  // a stranger learns little and slowly
inline constexpr std::uint32_t urgent_commands_per_minute =
    60;                                                         // of one admin whose ordinary rate is used up
inline constexpr std::uint32_t stale_commands_per_minute = 60;  // of one admin, asked again for their answers

// Where an answer goes: to `shearline:replies:<jti>`.
using SendAnswer = std::function<void(const std::string& jti, const std::string& jws)>;

class Admin {
 public:
  Admin(ActorContext& context, Directory& directory, KnownState known, RotationMailbox& rotation,
        AuditMailbox& audit, SendAnswer send_answer);
  ~Admin();

  void start();
  AdminMailbox& mailbox();
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace shearline::actors
