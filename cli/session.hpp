// One run of `shearline` that talks to the engine: the admin's unlocked keys, the loop with its fibers, and
// the channel. Makes commands complete (who, for whom, when, jti), signs them, and hands back the engine's
// checked answer. Lives on the main thread.
#pragma once

#include "base/clock.hpp"
#include "base/random.hpp"
#include "cli/channel.hpp"
#include "cli/output.hpp"
#include "io/keys/keyring.hpp"
#include "io/loop/fiber_scheduler.hpp"
#include "policy/command.hpp"

#include <memory>
#include <string>

namespace shearline::cli {

// What holds for every subcommand: flags and environment.
struct Settings {
  std::string keys_file = "~/.config/shearline/admin.json";
  std::string redis = "127.0.0.1:6379";
  std::string redis_user;
  std::string redis_password_file;
  std::string prefix = "shearline:";
  std::string passphrase_file;
  std::int64_t answer_timeout_ms = 15'000;
  bool insecure = false;
  bool json = false;
};

// Why an admin does something; goes into the audit trail.
struct Reasons {
  std::string reason;
  std::string justification;
  std::string ticket;
  std::string correlation_id;
};

// What every run function gets.
struct Context {
  const Settings& settings;
  const Output& output;
  Clock& clock;
  Random& random;
};

// invalid: not an address, or beyond loopback without --insecure.
Result<loop::Address> usable_address(std::string_view text, bool insecure, std::string_view option);

class Session {
 public:
  // Asks for the passphrase, unlocks the keys, then makes the loop. Does not connect yet.
  static Result<std::unique_ptr<Session>> open(const Context& context);

  const keys::AdminKeys& keys() const { return keys_; }
  const store::RedisOptions& redis() const { return redis_; }
  const Context& context() const { return context_; }
  loop::Loop& loop() { return *loop_; }

  policy::Command command(policy::Verb verb, const Reasons& reasons = {});
  Result<policy::Answer> ask(const policy::Command& command);

 private:
  Session(const Context& context, keys::AdminKeys keys, store::RedisOptions redis,
          std::unique_ptr<loop::Loop> loop);

  Context context_;
  keys::AdminKeys keys_;
  store::RedisOptions redis_;
  std::unique_ptr<loop::Loop> loop_;
  loop::FiberScheduler scheduler_;
  Channel channel_;
};

// Reads, checks the mode of and unlocks the keys file.
Result<keys::AdminKeys> unlock_keys(const Context& context);

}  // namespace shearline::cli
