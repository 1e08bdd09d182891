#include "cli/verify_frame.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace shearline::cli {
namespace {

struct Meaning {
  std::string_view word;
  Exit exit;
  std::string_view text;
};
constexpr std::array meanings{
    Meaning{"current", Exit::ok, ": accepted, the newest secret"},
    Meaning{"grace", Exit::ok, ": accepted, the previous secret inside its grace window"},
    Meaning{"next", Exit::ok, ": accepted, delivered and not promoted yet"},
    Meaning{"rejected", Exit::rejected_secret, ": not accepted"},
    Meaning{"malformed", Exit::invalid, ": no client id or secret can look like this"},
    Meaning{"throttled", Exit::rate_limited, ": not accepted, and too many such checks"},
};

const Meaning* find_meaning(std::string_view word) {
  const auto found =
      std::find_if(meanings.begin(), meanings.end(), [&](const Meaning& m) { return m.word == word; });
  return found == meanings.end() ? nullptr : &*found;
}

// One array of bulk strings, the secret as the last of them, and something behind it.
Plaintext frame_of(std::initializer_list<std::string_view> words, const Secret* secret,
                   std::string_view behind = "") {
  const auto header_of = [](std::size_t size) { return "$" + std::to_string(size) + "\r\n"; };
  std::string head = "*" + std::to_string(words.size() + (secret != nullptr ? 1 : 0)) + "\r\n";
  for (const std::string_view word : words) head += header_of(word.size()) + std::string(word) + "\r\n";
  if (secret != nullptr) head += header_of(secret->size());
  const std::string tail = (secret != nullptr ? "\r\n" : "") + std::string(behind);
  const ByteView kept = secret != nullptr ? secret->reveal() : ByteView();

  Plaintext frame = Plaintext::of_size(head.size() + kept.size() + tail.size());
  auto out = frame.writable().begin();
  for (const ByteView part : {as_bytes(head), kept, as_bytes(tail)}) {
    out = std::copy(part.begin(), part.end(), out);
  }
  return frame;
}

Error no_engine() {
  return {Code::internal_error, "this is not the answer of an engine; is it another server's port?"};
}

// What an engine says, word by word; everything else may be our own secret, repeated by somebody.
Error error_in(std::string_view line) {
  constexpr std::array engine_words{"-ERR Protocol error: ", "-ERR max number of clients",
                                    "-ERR Client sent AUTH"};
  if (line.starts_with("-UNAVAILABLE ")) {
    return {Code::unavailable, "the engine cannot decide: " + std::string(line.substr(1))};
  }
  if (line.starts_with("-NOAUTH ") || line.starts_with("-NOPERM ")) {
    return {Code::unauthorized,
            "the engine checks for gateways that log in only: name one with --gateway and --token-file"};
  }
  if (line.starts_with("-WRONGPASS ")) {
    return {Code::unauthorized, "the engine knows no gateway of that name with that token"};
  }
  for (const std::string_view word : engine_words) {
    if (line.starts_with(word)) return {Code::invalid, "the engine answers: " + std::string(line.substr(1))};
  }
  return no_engine();
}

}  // namespace

Plaintext greeting_frame(std::string_view gateway, const Secret& token) {
  constexpr std::string_view ping = "*1\r\n$4\r\nPING\r\n";
  if (gateway.empty()) return frame_of({"HELLO", "2"}, nullptr, ping);
  return frame_of({"HELLO", "2", "AUTH", gateway}, &token, ping);
}

Status judge_greeting(std::string_view answer) {
  if (answer.starts_with('-')) return std::unexpected(error_in(answer.substr(0, answer.find("\r\n"))));
  if (!answer.starts_with("*14\r\n$6\r\nserver\r\n$9\r\nshearline\r\n")) return std::unexpected(no_engine());
  return {};
}

Plaintext verify_frame(std::string_view client_id, const Secret& secret) {
  if (client_id.empty()) return frame_of({"VERIFYKEY"}, &secret);
  return frame_of({"VERIFY", client_id}, &secret);
}

Result<VerdictWord> verdict_in(std::string_view line) {
  if (line.starts_with('+')) {
    if (const Meaning* known = find_meaning(line.substr(1)))
      return VerdictWord{std::string(known->word), known->exit};
  }
  return std::unexpected(error_in(line));
}

std::string meaning_of(std::string_view verdict) {
  const Meaning* known = find_meaning(verdict);
  return known == nullptr ? std::string() : std::string(known->text);
}

}  // namespace shearline::cli
