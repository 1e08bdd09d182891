// Counts what became of every line of an import and says each refusal once, where it can be found again. Pure
// but for the output it is given.
#pragma once

#include "cli/exit_codes.hpp"
#include "cli/output.hpp"
#include "policy/command.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace shearline::cli {

class ImportReport {
 public:
  explicit ImportReport(const Output& output) : output_(output) {}

  // False, and reported, when an earlier line has the same client.
  bool first_time(const std::string& client_id, std::size_t line);
  void bad_line(std::size_t line, std::string_view why);
  // What the engine says of one command. An error: the command as a whole was refused and so would be the
  // next.
  Status count(const policy::Command& command, const policy::Answer& answer);
  // The last word: totals, and what ended the run early.
  void finish(const std::optional<Error>& ended_by);

  std::string progress() const;
  Exit exit() const;

 private:
  void refuse(const std::string& client_id, Code code, std::string_view why);
  void tell_shared(const std::string& client_id) const;

  const Output& output_;
  std::unordered_map<std::string, std::size_t> line_of_;  // client ids are public
  std::size_t imported_ = 0;
  std::size_t existing_ = 0;
  std::size_t refused_ = 0;
  std::size_t bad_lines_ = 0;
  Code first_refusal_ = Code::ok;
  std::optional<Code> ended_by_;
};

}  // namespace shearline::cli
