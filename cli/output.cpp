#include "cli/output.hpp"

#include "cli/people.hpp"

#include <nlohmann/json.hpp>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace shearline::cli {
namespace {

using nlohmann::ordered_json;

// Whatever is not UTF-8 is replaced: output never fails for a byte.
std::string dump(const ordered_json& value) {
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

ordered_json parsed(std::string_view text) { return ordered_json::parse(text, nullptr, false); }

void put_line(std::FILE* file, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), file);
  std::fputc('\n', file);
  std::fflush(file);
}

}  // namespace

Member::Member(std::string_view member_name, std::string_view text)
    : name(member_name), json(dump(ordered_json(std::string(text)))) {}

Member Member::raw(std::string_view member_name, std::string_view json) {
  Member member;
  member.name = member_name;
  member.json = json;
  return member;
}

std::string json_object(std::initializer_list<Member> members) {
  std::string out = "{";
  for (const Member& member : members) {
    if (out.size() > 1) out += ",";
    out.append("\"").append(member.name).append("\":").append(member.json);
  }
  return out + "}";
}

std::string json_array(const std::vector<std::string>& texts) { return dump(ordered_json(texts)); }

std::string on_one_line(std::string_view json) {
  const ordered_json value = parsed(json);
  return value.is_discarded() ? std::string(json) : dump(value);
}

std::string text_member(std::string_view json, std::string_view name) {
  const ordered_json value = parsed(json);
  if (!value.is_object()) return {};
  const auto member = value.find(std::string(name));
  return member != value.end() && member->is_string() ? member->get<std::string>() : std::string();
}

std::string answer_json(const policy::Answer& answer) {
  constexpr std::string_view status_names[] = {"accepted", "done", "rejected"};
  ordered_json out{{"jti", answer.jti.text()},
                   {"status", std::string(status_names[static_cast<std::size_t>(answer.status)])},
                   {"code", std::string(code_name(answer.code))},
                   {"detail", answer.detail}};
  if (!answer.durability.empty()) out["durability"] = answer.durability;
  const auto attach = [&out](const char* name, const std::string& json) {
    if (json.empty()) return;
    const ordered_json value = parsed(json);
    out[name] = value.is_discarded() ? ordered_json(json) : value;
  };
  attach("rotation", answer.rotation_json);
  attach("result", answer.result_json);
  return dump(out);
}

void Output::line(std::string_view text) const {
  if (!json_) put_line(stdout, text);
}

void Output::object(std::string_view json_line) const {
  if (json_) put_line(stdout, json_line);
}

void Output::warn(std::string_view text) const { put_line(stderr, "shearline: " + std::string(text)); }

void Output::progress(std::string_view text) const {
  if (json_ || ::isatty(STDERR_FILENO) != 1) return;
  std::fprintf(stderr, "\r\033[K%.*s", static_cast<int>(text.size()), text.data());
  std::fflush(stderr);
}

void Output::progress_done() const {
  if (!json_ && ::isatty(STDERR_FILENO) == 1) std::fputc('\n', stderr);
}

Exit Output::answer(const policy::Answer& answer) const {
  const bool refused = answer.status == policy::AnswerStatus::rejected;
  object(answer_json(answer));
  if (!json_) {
    const std::string text = answer_text(answer);
    std::FILE* const file = refused ? stderr : stdout;
    std::fwrite(text.data(), 1, text.size(), file);
    std::fflush(file);
  }
  if (!refused) return Exit::ok;
  return answer.code == Code::ok ? Exit::internal_error : exit_of(answer.code);
}

Exit Output::error(const Error& error) const {
  object(json_object({{"status", "failed"}, {"code", code_name(error.code)}, {"detail", error.message}}));
  if (!json_) warn(error.message);
  return exit_of(error.code);
}

Exit Output::usage(std::string_view what_is_wrong) const {
  object(json_object({{"status", "failed"}, {"code", code_name(Code::invalid)}, {"detail", what_is_wrong}}));
  if (!json_) {
    warn(what_is_wrong);
    put_line(stderr, "Run with --help for help.");
  }
  return Exit::usage;
}

bool Output::is_lost() const { return std::ferror(stdout) != 0; }

Exit Output::end(Exit exit) const {
  const bool flushed = std::fflush(stdout) == 0;
  if (flushed && !is_lost()) return exit;
  // Whoever reads the first lines only (`| head`) knows that there are more.
  pollfd reader{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
  const bool reader_left = ::poll(&reader, 1, 0) == 1 && (reader.revents & POLLERR) != 0;
  if (!reader_left) warn("standard output did not take all of what was said");
  return exit == Exit::ok ? Exit::internal_error : exit;
}

Plaintext json_quoted(ByteView text) {
  constexpr std::string_view digits = "0123456789abcdef";
  Plaintext quoted = Plaintext::of_size(text.size() * 6 + 2);  // every byte as \u00XX at worst
  const ByteSpan out = quoted.writable();
  std::size_t length = 0;
  out[length++] = '"';
  for (const Byte byte : text) {
    if (byte < 0x20) {
      for (const char c : {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]})
        out[length++] = static_cast<Byte>(c);
      continue;
    }
    if (byte == '"' || byte == '\\') out[length++] = '\\';
    out[length++] = byte;
  }
  out[length++] = '"';
  quoted.shrink(length);
  return quoted;
}

Status write_all(int descriptor, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail(Code::internal_error, "cannot write: " + std::string(std::strerror(errno)));
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace shearline::cli
