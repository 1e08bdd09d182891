// `verify`: asks the engine's RESP port, as a gateway would, whether a secret is accepted. The secret comes
// from a file or standard input and stays in the arena, the request's bytes included. Needs no keys and signs
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

// The first line of what the engine answers.
Result<std::string> ask_engine(loop::Loop& loop, const loop::Address& address, const Plaintext& frame,
                               std::int64_t timeout_ms) {
  constexpr std::size_t line_bytes_max = 512;
  auto stream = loop::Stream::connect(loop, address, timeout_ms);
  if (!stream) {
    return fail(Code::unavailable, "no engine answers at " + address.text() + " (" + stream.error().message +
                                       "); another one is named by --server or SHEARLINE_SERVER");
  }
  if (const Status sent = stream->write_all(frame.reveal(), timeout_ms); !sent)
    return std::unexpected(sent.error());
  std::string line;
  std::array<Byte, line_bytes_max> chunk;
  while (line.find("\r\n") == std::string::npos) {
    if (line.size() > line_bytes_max)
      return fail(Code::invalid, address.text() + " does not answer like an engine");
    const auto got = stream->read_some(chunk, timeout_ms);
    if (!got) return std::unexpected(got.error());
    line += as_text(ByteView(chunk).first(*got));
  }
  return line.substr(0, line.find("\r\n"));
}

}  // namespace

Exit verify(const Context& context, const Verify& options) {
  const Output& output = context.output;
  const auto address = usable_address(options.server, context.settings.insecure, "--server");
  if (!address) return output.error(address.error());
  const auto secret = read_secret_file(expand_home(options.secret_file), engine::api_key_bytes_max);
  if (!secret) return output.error(secret.error());
  auto made = loop::make_loop({});
  if (!made) return output.error(made.error());
  const loop::FiberScheduler scheduler(**made);

  const auto line = ask_engine(**made, *address, verify_frame(options.client_id, *secret),
                               context.settings.answer_timeout_ms);
  if (!line) return output.error(line.error());
  const auto verdict = verdict_in(*line);
  if (!verdict) return output.error(verdict.error());
  output.line(verdict->word + meaning_of(verdict->word));
  output.object(json_object({{"client_id", options.client_id}, {"verdict", verdict->word}}));
  return verdict->exit;
}

}  // namespace shearline::cli
