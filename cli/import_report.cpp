#include "cli/import_report.hpp"

#include <nlohmann/json.hpp>

namespace shearline::cli {
namespace {

using nlohmann::json;

std::size_t count_member(const json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_number_unsigned() ? member->get<std::size_t>() : 0;
}

std::string text_of(const json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_string() ? member->get<std::string>() : std::string();
}

}  // namespace

bool ImportReport::first_time(const std::string& client_id, std::size_t line) {
  const auto [known, is_new] = line_of_.emplace(client_id, line);
  if (!is_new) bad_line(line, client_id + " stands in line " + std::to_string(known->second) + " already");
  return is_new;
}

void ImportReport::bad_line(std::size_t line, std::string_view why) {
  ++bad_lines_;
  if (first_refusal_ == Code::ok) first_refusal_ = Code::invalid;
  output_.object(json_object({{"event", "bad_line"}, {"line", line}, {"detail", why}}));
  if (!output_.json()) output_.warn("line " + std::to_string(line) + ": " + std::string(why));
}

Status ImportReport::count(const policy::Command& command, const policy::Answer& answer) {
  const json result = json::parse(answer.result_json, nullptr, false);
  const bool per_item = result.is_object() && result.contains("refused") && result["refused"].is_array();
  if (!per_item) {
    if (answer.status == policy::AnswerStatus::rejected) return fail(answer.code, answer.detail);
    imported_ += command.params.items.size();
    return {};
  }
  imported_ += count_member(result, "imported");
  for (const json& refused : result["refused"]) {
    if (!refused.is_object() || !refused.contains("client_ids")) continue;
    for (const json& client_id : refused["client_ids"]) {
      if (!client_id.is_string()) continue;
      refuse(client_id.get<std::string>(), code_from_name(text_of(refused, "code")),
             text_of(refused, "detail"));
    }
  }
  if (const auto shared = result.find("shared_secret"); shared != result.end() && shared->is_array()) {
    for (const json& client_id : *shared) {
      if (client_id.is_string()) tell_shared(client_id.get<std::string>());
    }
  }
  return {};
}

void ImportReport::tell_shared(const std::string& client_id) const {
  output_.object(json_object({{"event", "shared_secret"}, {"client_id", client_id}}));
  if (!output_.json())
    output_.warn(client_id + " was imported and has the same secret as another credential; rotate it");
}

void ImportReport::refuse(const std::string& client_id, Code code, std::string_view why) {
  const auto known = line_of_.find(client_id);
  const std::size_t line = known == line_of_.end() ? 0 : known->second;
  if (first_refusal_ == Code::ok) first_refusal_ = code;
  ++(code == Code::conflict ? existing_ : refused_);
  output_.object(json_object({{"event", code == Code::conflict ? "existing" : "refused"},
                              {"line", line},
                              {"client_id", client_id},
                              {"code", code_name(code)},
                              {"detail", why}}));
  if (!output_.json())
    output_.warn("line " + std::to_string(line) + ": " + client_id + ": " + std::string(why));
}

void ImportReport::finish(const std::optional<Error>& ended_by) {
  output_.object(json_object({{"event", "import"},
                              {"imported", imported_},
                              {"existing", existing_},
                              {"refused", refused_},
                              {"bad_lines", bad_lines_},
                              {"complete", !ended_by},
                              {"code", code_name(ended_by ? ended_by->code : first_refusal_)},
                              {"detail", ended_by ? ended_by->message : ""}}));
  output_.line(progress());
  if (!ended_by) return;
  ended_by_ = ended_by->code;
  if (output_.json()) return;
  output_.warn("stopped: " + ended_by->message);
  output_.warn("the same command again goes on: what is in already is named as existing and stays as it is");
}

std::string ImportReport::progress() const {
  return std::to_string(imported_) + " imported, " + std::to_string(existing_) + " existed, " +
         std::to_string(refused_) + " refused, " + std::to_string(bad_lines_) + " bad lines";
}

Exit ImportReport::exit() const {
  if (ended_by_) return exit_of(*ended_by_);
  if (first_refusal_ == Code::ok) return Exit::ok;
  return imported_ > 0 ? Exit::partly_done : exit_of(first_refusal_);
}

}  // namespace shearline::cli
