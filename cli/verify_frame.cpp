#include "cli/verify_frame.hpp"

#include <algorithm>
#include <array>

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

}  // namespace

Plaintext verify_frame(std::string_view client_id, const Secret& secret) {
  const auto header_of = [](std::size_t size) { return "$" + std::to_string(size) + "\r\n"; };
  std::string public_part = client_id.empty() ? "*2\r\n$9\r\nVERIFYKEY\r\n" : "*3\r\n$6\r\nVERIFY\r\n";
  if (!client_id.empty()) public_part += header_of(client_id.size()) + std::string(client_id) + "\r\n";
  public_part += header_of(secret.size());

  Plaintext frame = Plaintext::of_size(public_part.size() + secret.size() + 2);
  auto out = frame.writable().begin();
  for (const ByteView part : {as_bytes(public_part), secret.reveal(), as_bytes("\r\n")}) {
    out = std::copy(part.begin(), part.end(), out);
  }
  return frame;
}

Result<VerdictWord> verdict_in(std::string_view line) {
  if (line.starts_with('+')) {
    if (const Meaning* known = find_meaning(line.substr(1)))
      return VerdictWord{std::string(known->word), known->exit};
  }
  if (line.starts_with("-UNAVAILABLE")) {
    return fail(Code::unavailable, "the engine cannot decide: " + std::string(line.substr(1)));
  }
  if (line.starts_with("-NOAUTH") || line.starts_with("-NOPERM")) {
    return fail(Code::unauthorized, "the engine refuses to check for us: " + std::string(line.substr(1)));
  }
  if (line.starts_with('-')) return fail(Code::invalid, "the engine answers: " + std::string(line.substr(1)));
  return fail(Code::internal_error, "this is not the answer of an engine; is it another server's port?");
}

std::string meaning_of(std::string_view verdict) {
  const Meaning* known = find_meaning(verdict);
  return known == nullptr ? std::string() : std::string(known->text);
}

}  // namespace shearline::cli
