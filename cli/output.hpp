// How `shearline` speaks: lines for people on stdout, or with --json one JSON object a line on stdout;
// warnings and progress on stderr. No secret passes through here but json_quoted and write_all, which leave it
// in the arena.
#pragma once

#include "base/error.hpp"
#include "base/secret.hpp"
#include "cli/exit_codes.hpp"
#include "policy/command.hpp"

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>

namespace shearline::cli {

// One member of a flat JSON object. `raw` is JSON that stands already.
struct Member {
  Member(std::string_view member_name, std::string_view text);
  Member(std::string_view member_name, const char* text) : Member(member_name, std::string_view(text)) {}
  Member(std::string_view member_name, const std::string& text)
      : Member(member_name, std::string_view(text)) {}
  Member(std::string_view member_name, std::integral auto number)
      : name(member_name), json(std::to_string(number)) {}
  Member(std::string_view member_name, bool flag) : name(member_name), json(flag ? "true" : "false") {}
  static Member raw(std::string_view member_name, std::string_view json);

  std::string_view name;
  std::string json;

 private:
  Member() = default;
};
std::string json_object(std::initializer_list<Member> members);
std::string json_array(const std::vector<std::string>& texts);

std::string on_one_line(std::string_view json);  // as it is when it is no JSON

// One member of an object as text; empty when there is none or it is not a text.
std::string text_member(std::string_view json, std::string_view name);

std::string answer_json(const policy::Answer& answer);

class Output {
 public:
  explicit Output(bool json) : json_(json) {}

  bool json() const { return json_; }
  void line(std::string_view text) const;         // for people; silent with --json
  void object(std::string_view json_line) const;  // with --json; silent otherwise
  void warn(std::string_view text) const;         // stderr, always
  void progress(std::string_view text) const;     // on a terminal only, rewritten in place
  void progress_done() const;

  // Whether standard output took nothing any more: a full disk, or a reader that went away.
  bool is_lost() const;

  // Both print and say how the program ends.
  Exit answer(const policy::Answer& answer) const;
  Exit error(const Error& error) const;
  Exit usage(std::string_view what_is_wrong) const;
  // The last word of every run: what could not be written was not done.
  Exit end(Exit exit) const;

 private:
  bool json_;
};

// `text` with JSON's escapes, quoted, in the arena.
Plaintext json_quoted(ByteView text);
Status write_all(int descriptor, ByteView bytes);

}  // namespace shearline::cli
