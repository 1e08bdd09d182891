#include "cli/answer.hpp"

#include "policy/jws.hpp"

namespace shearline::cli {

Result<policy::Answer> judge_answer(std::string_view compact_jws, const Expected& expected) {
  const auto jws = policy::parse_jws(compact_jws, policy::reply_type);
  if (!jws) return fail(Code::invalid, "not an answer: " + jws.error().message);
  if (!policy::verify_jws(*jws, expected.engine_key)) {
    return fail(Code::unauthorized, "not signed by the pinned engine");
  }
  auto answer = policy::decode_answer(jws->claims_json);
  if (!answer) return fail(Code::invalid, "not an answer: " + answer.error().message);
  if (answer->jti != expected.jti) return fail(Code::unauthorized, "the engine's answer to another command");
  if (!equal(answer->command_hash, expected.command_hash)) {
    return fail(Code::unauthorized, "the engine's answer to other bytes with the same jti");
  }
  return answer;
}

}  // namespace shearline::cli
