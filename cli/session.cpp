#include "cli/session.hpp"

#include "cli/moments.hpp"
#include "cli/passphrase.hpp"
#include "policy/jws.hpp"

#include <unistd.h>

namespace shearline::cli {
namespace {

constexpr std::size_t keys_file_bytes_max = 64 * 1024;

}  // namespace

Result<loop::Address> usable_address(std::string_view text, bool insecure, std::string_view option) {
  auto address = loop::parse_address(text);
  if (!address) return fail(Code::invalid, std::string(option) + ": " + address.error().message);
  if (!insecure && !address->is_loopback()) {
    return fail(Code::invalid,
                std::string(option) + ": " + address->text() +
                    " is beyond this machine and the connection is not encrypted; give --insecure if "
                    "the network between is yours");
  }
  return address;
}

Result<keys::AdminKeys> unlock_keys(const Context& context) {
  const std::string path = expand_home(context.settings.keys_file);
  if (::access(path.c_str(), F_OK) != 0) {
    return fail(Code::not_found, "no admin keys at " + path +
                                     "; make them with `shearline admin init`, or name them with --keys or "
                                     "SHEARLINE_KEYS");
  }
  if (const Status only_ours = keys::check_private(path); !only_ours)
    return std::unexpected(only_ours.error());
  const auto content = keys::read_file(path, keys_file_bytes_max);
  if (!content) return std::unexpected(content.error());
  const auto passphrase =
      ask_passphrase(expand_home(context.settings.passphrase_file), "the admin keys " + path, Asking::once);
  if (!passphrase) return std::unexpected(passphrase.error());
  auto keys = keys::decode_admin_keys(as_text(*content), *passphrase);
  if (!keys) return fail(keys.error().code, path + ": " + keys.error().message);
  return keys;
}

Result<std::unique_ptr<Session>> Session::open(const Context& context) {
  const Settings& settings = context.settings;
  auto address = usable_address(settings.redis, settings.insecure, "--redis");
  if (!address) return std::unexpected(address.error());
  auto keys = unlock_keys(context);
  if (!keys) return std::unexpected(keys.error());
  auto made = loop::make_loop({});
  if (!made) return std::unexpected(made.error());
  store::RedisOptions redis;
  redis.address = std::move(*address);
  redis.username = settings.redis_user;
  redis.password_file = expand_home(settings.redis_password_file);
  redis.prefix = settings.prefix;
  return std::unique_ptr<Session>(new Session(context, std::move(*keys), std::move(redis), std::move(*made)));
}

Session::Session(const Context& context, keys::AdminKeys keys, store::RedisOptions redis,
                 std::unique_ptr<loop::Loop> loop)
    : context_(context),
      keys_(std::move(keys)),
      redis_(std::move(redis)),
      loop_(std::move(loop)),
      scheduler_(*loop_),
      channel_(*loop_, redis_, context_.settings.answer_timeout_ms, context_.output) {}

policy::Command Session::command(policy::Verb verb, const Reasons& reasons) {
  policy::Command command;
  command.kid = keys_.admin_id;
  command.audience = policy::audience_of(keys_.engine.deployment);
  command.issued_at_ms = context_.clock.now_ms();
  command.expires_at_ms = command.issued_at_ms + policy::command_lifetime_max_ms;
  command.jti = Ulid::make(command.issued_at_ms, context_.random);
  command.verb = verb;
  command.reason = reasons.reason;
  command.justification = reasons.justification;
  command.ticket = reasons.ticket;
  command.correlation_id = reasons.correlation_id;
  return command;
}

Result<policy::Answer> Session::ask(const policy::Command& command) {
  const std::string jws = policy::sign_jws(policy::encode_command(command), policy::command_type, command.kid,
                                           keys_.signing_seed);
  if (jws.size() > policy::jws_bytes_max) {
    return fail(Code::invalid, "the command is " + std::to_string(jws.size()) + " bytes, at most " +
                                   std::to_string(policy::jws_bytes_max) + " are allowed");
  }
  return channel_.ask(
      jws,
      {.engine_key = keys_.engine.signing_key, .jti = command.jti, .command_hash = sha256(as_bytes(jws))});
}

}  // namespace shearline::cli
