// `verify`: asks the engine's RESP port, as a gateway would, whether a secret is accepted. Secret and token come
// from files or standard input and stay in the arena, the requests' bytes included. Needs no keys and signs
// nothing.
#include "cli/commands.hpp"
#include "cli/moments.hpp"
#include "cli/secret_input.hpp"
#include "cli/verify_frame.hpp"
#include "engine/api_key.hpp"
#include "io/loop/fiber_scheduler.hpp"
#include "io/loop/stream.hpp"

#include <array>

namespace shearline::cli {
namespace {

constexpr std::size_t gateway_token_bytes_max = 512;

// One connection to what should be an engine.
class EnginePort {
 public:
  static Result<EnginePort> connect(loop::Loop& loop, const loop::Address& address, std::int64_t timeout_ms) {
    auto stream = loop::Stream::connect(loop, address, timeout_ms);
    if (stream) return EnginePort(std::move(*stream), address.text(), timeout_ms);
    return fail(Code::unavailable, "no engine answers at " + address.text() + " (" + stream.error().message +
                                       "); another one is named by --server or SHEARLINE_SERVER");
  }

  // What it answers up to and without `end`, or its first line if that is an error.
  Result<std::string> ask(const Plaintext& frame, std::string_view end) {
    constexpr std::size_t answer_bytes_max = 1024;
    if (const Status sent = stream_.write_all(frame.reveal(), timeout_ms_); !sent)
      return std::unexpected(sent.error());
    std::string answer;
    std::array<Byte, answer_bytes_max> chunk;
    while (answer.find(end) == std::string::npos && !is_error(answer)) {
      if (answer.size() > answer_bytes_max)
        return fail(Code::internal_error, where_ + " does not answer like an engine");
      const auto got = stream_.read_some(chunk, timeout_ms_);
      if (!got) return std::unexpected(got.error());
      answer += as_text(ByteView(chunk).first(*got));
    }
    return answer.substr(0, answer.find(is_error(answer) ? "\r\n" : end));
  }

 private:
  EnginePort(loop::Stream stream, std::string where, std::int64_t timeout_ms)
      : stream_(std::move(stream)), where_(std::move(where)), timeout_ms_(timeout_ms) {}
  static bool is_error(std::string_view answer) {
    return answer.starts_with('-') && answer.find("\r\n") != std::string_view::npos;
  }

  loop::Stream stream_;
  std::string where_;
  std::int64_t timeout_ms_;
};

}  // namespace

Exit verify(const Context& context, const Verify& options) {
  const Output& output = context.output;
  const auto address = usable_address(options.server, context.settings.insecure, "--server");
  if (!address) return output.error(address.error());
  const auto secret = read_secret_file(expand_home(options.secret_file), engine::api_key_bytes_max);
  if (!secret) return output.error(secret.error());
  const auto token = options.gateway.empty()
                         ? Result<Secret>(Secret())
                         : read_secret_file(expand_home(options.token_file), gateway_token_bytes_max);
  if (!token) return output.error(token.error());
  auto made = loop::make_loop({});
  if (!made) return output.error(made.error());
  const loop::FiberScheduler scheduler(**made);

  auto engine = EnginePort::connect(**made, *address, context.settings.answer_timeout_ms);
  if (!engine) return output.error(engine.error());
  const auto greeting = engine->ask(greeting_frame(options.gateway, *token), end_of_greeting);
  if (!greeting) return output.error(greeting.error());
  if (const Status known = judge_greeting(*greeting); !known) return output.error(known.error());
  const auto line = engine->ask(verify_frame(options.client_id, *secret), "\r\n");
  if (!line) return output.error(line.error());
  const auto verdict = verdict_in(*line);
  if (!verdict) return output.error(verdict.error());
  output.line(verdict->word + meaning_of(verdict->word));
  output.object(json_object({{"client_id", options.client_id}, {"verdict", verdict->word}}));
  return verdict->exit;
}

}  // namespace shearline::cli
