#include "base/encoding.hpp"
#include "base/strict_json.hpp"
#include "policy/claims_reader.hpp"
#include "policy/command.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace shearline::policy {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 3> status_names = {"accepted", "done", "rejected"};
constexpr std::size_t detail_bytes_max = 4096;

// What we embed was made by ourselves; should it ever not be JSON, the text itself is better than nothing.
json embedded(const std::string& text) {
  json value = json::parse(text, nullptr, false);
  return value.is_discarded() ? json(text) : value;
}

}  // namespace

std::string encode_answer(const Answer& answer) {
  json claims = {{"jti", answer.jti.text()},
                 {"command_sha256", base64url(answer.command_hash)},
                 {"status", status_names[static_cast<std::size_t>(answer.status)]},
                 {"code", code_name(answer.code)}};
  if (!answer.detail.empty()) claims["detail"] = answer.detail;
  if (!answer.durability.empty()) claims["durability"] = answer.durability;
  if (!answer.rotation_json.empty()) claims["rotation"] = embedded(answer.rotation_json);
  if (!answer.result_json.empty()) claims["result"] = embedded(answer.result_json);
  return claims.dump(-1, ' ', false, json::error_handler_t::replace);
}

// Names we do not know are ignored: an older admin tool must be able to read a newer engine's answer.
Result<Answer> decode_answer(std::string_view claims_json) {
  const Result<json> claims = parse_json_object(claims_json, "answer");
  if (!claims) return std::unexpected(claims.error());
  std::optional<Error> fault;
  ClaimsReader reader(*claims, "", fault);
  for (const char* name : {"jti", "command_sha256", "status", "code"}) reader.require(name);

  Answer answer;
  answer.jti = reader.ulid("jti").value_or(Ulid{});
  reader.exact_bytes("command_sha256", answer.command_hash);
  const auto status = std::ranges::find(status_names, reader.text("status", 16));
  if (status == status_names.end()) {
    reader.refuse_value("status", "be accepted, done or rejected");
  } else {
    answer.status = static_cast<AnswerStatus>(status - status_names.begin());
  }
  const std::string code = reader.text("code", 32);
  answer.code = code_from_name(code);
  if (code_name(answer.code) != code) reader.refuse_value("code", "be a known code");
  answer.detail = reader.text("detail", detail_bytes_max);
  answer.durability = reader.text("durability", 64);
  if (const json* rotation = reader.object("rotation")) answer.rotation_json = rotation->dump();
  if (const auto result = claims->find("result"); result != claims->end())
    answer.result_json = result->dump();
  if (fault) return std::unexpected(std::move(*fault));
  return answer;
}

}  // namespace shearline::policy
