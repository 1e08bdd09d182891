// Commands and answers: what goes out comes back, and what is wrong is named.
#include "policy/command.hpp"

#include "base/encoding.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace shearline::policy {
namespace {

using nlohmann::json;

constexpr std::string_view jti_text = "01J8XQ2M6N3T4V5W6X7Y8Z9A0B";

json claims_of(std::string_view cmd) {
  return {{"aud", "shearline:demo"},
          {"iat", 1'700'000'000},
          {"exp", 1'700'000'060},
          {"jti", jti_text},
          {"cmd", cmd}};
}
json rotate_claims() {
  json claims = claims_of("rotate");
  claims["credential"] = "acme-staging";
  return claims;
}
std::string refusal(const json& claims, Code code = Code::invalid) {
  const auto decoded = decode_command(claims.dump());
  if (decoded) return "accepted";
  EXPECT_EQ(decoded.error().code, code) << decoded.error().message;
  return decoded.error().message;
}
bool mentions(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

Command base_command(Verb verb) {
  Command command;
  command.audience = audience_of("demo");
  command.issued_at_ms = 1'700'000'000'000;
  command.expires_at_ms = 1'700'000'060'000;
  command.jti = *Ulid::parse(jti_text);
  command.verb = verb;
  command.reason = "quarterly";
  command.justification = "policy says so";
  command.ticket = "OPS-17";
  command.correlation_id = "c-1";
  return command;
}
// What goes out, comes back, and goes out again in the same bytes.
Command round_trip(const Command& command) {
  const std::string claims = encode_command(command);
  const auto decoded = decode_command(claims);
  EXPECT_TRUE(decoded) << decoded.error().message << "\n" << claims;
  if (!decoded) return {};
  EXPECT_EQ(encode_command(*decoded), claims);
  return *decoded;
}

TEST(Command, RotateComesBackWhole) {
  Command command = base_command(Verb::rotate);
  command.credential = "acme-staging";
  command.rotation_id = jti_text;
  command.params.grace_ms = 0;
  command.params.not_before_ms = 1'800'000'000'000;
  command.params.supersede = true;
  const Command back = round_trip(command);
  EXPECT_EQ(back.audience, "shearline:demo");
  EXPECT_EQ(back.issued_at_ms, command.issued_at_ms);
  EXPECT_EQ(back.expires_at_ms, command.expires_at_ms);
  EXPECT_EQ(back.jti, command.jti);
  EXPECT_EQ(back.verb, Verb::rotate);
  EXPECT_EQ(back.credential, "acme-staging");
  EXPECT_EQ(back.rotation_id, jti_text);
  EXPECT_EQ(back.reason, "quarterly");
  EXPECT_EQ(back.justification, "policy says so");
  EXPECT_EQ(back.ticket, "OPS-17");
  EXPECT_EQ(back.correlation_id, "c-1");
  EXPECT_EQ(back.params.grace_ms, 0);
  EXPECT_EQ(back.params.not_before_ms, 1'800'000'000'000);
  EXPECT_TRUE(back.params.supersede);
  EXPECT_FALSE(back.params.emergency);
}

TEST(Command, CreateComesBackWhole) {
  Command command = base_command(Verb::credential_create);
  command.credential = "acme-staging";
  command.params.kind = CredentialKind::api_key;
  command.params.metadata = {"team-pay", "payments", "staging", "acme", "internal", 90};
  command.params.group = "payments-admins";
  command.params.credential_class = "strict";
  command.params.api_key_prefix = "sl";
  command.params.expires_at_ms = 1'900'000'000'000;
  const Command back = round_trip(command);
  EXPECT_EQ(back.params.kind, CredentialKind::api_key);
  EXPECT_EQ(back.params.metadata, command.params.metadata);
  EXPECT_EQ(back.params.group, "payments-admins");
  EXPECT_EQ(back.params.credential_class, "strict");
  EXPECT_EQ(back.params.api_key_prefix, "sl");
  EXPECT_EQ(back.params.expires_at_ms, 1'900'000'000'000);
}

TEST(Command, ImportComesBackWhole) {
  Command command = base_command(Verb::credential_import);
  command.params.kind = CredentialKind::oauth2_client_secret;
  command.params.group = "g";
  command.params.items.push_back({"a", Bytes(32, 1), Bytes(60, 2), true});
  command.params.items.push_back({"b", Bytes(32, 3), Bytes(32, 4), false});
  const Command back = round_trip(command);
  ASSERT_EQ(back.params.items.size(), 2U);
  EXPECT_EQ(back.params.items[0].client_id, "a");
  EXPECT_EQ(back.params.items[0].encapsulated, Bytes(32, 1));
  EXPECT_EQ(back.params.items[0].ciphertext, Bytes(60, 2));
  EXPECT_TRUE(back.params.items[0].insist);
  EXPECT_FALSE(back.params.items[1].insist);
}

TEST(Command, AckRevokeListAndHistoryComeBackWhole) {
  Command ack = base_command(Verb::ack);
  ack.credential = "acme";
  ack.rotation_id = jti_text;
  ack.params.ack_tag = Bytes(32, 9);
  EXPECT_EQ(round_trip(ack).params.ack_tag, Bytes(32, 9));

  Command revoke = base_command(Verb::revoke);
  revoke.credential = "acme";
  revoke.params.version_id = jti_text;
  EXPECT_EQ(round_trip(revoke).params.version_id, jti_text);

  Command list = base_command(Verb::list);
  list.params.what = "groups";
  list.params.after = "ops";
  list.params.limit = 7;
  EXPECT_EQ(round_trip(list).params.what, "groups");
  EXPECT_EQ(round_trip(list).params.after, "ops");
  EXPECT_EQ(round_trip(list).params.limit, 7U);

  Command history = base_command(Verb::history);
  history.credential = "acme";
  EXPECT_EQ(round_trip(history).params.limit, 100U);
}

TEST(Command, GroupsAndEnrolmentsComeBackWhole) {
  Command group = base_command(Verb::group_create);
  group.params.group = "ops";
  group.params.members = {"alice", "bob"};
  EXPECT_EQ(round_trip(group).params.members, group.params.members);

  Command enroll = base_command(Verb::admin_enroll);
  enroll.params.admin_id = "bob";
  enroll.params.person = "bob@example.com";
  enroll.params.signing_key.fill(1);
  enroll.params.sealing_key.fill(2);
  enroll.params.sealing_key_proof.fill(3);
  enroll.params.environments = {"dev", "staging"};
  enroll.params.tenants = {"acme"};
  enroll.params.expires_at_ms = 1'900'000'000'000;
  const Command back = round_trip(enroll);
  EXPECT_EQ(back.params.admin_id, "bob");
  EXPECT_EQ(back.params.person, "bob@example.com");
  EXPECT_EQ(back.params.signing_key, enroll.params.signing_key);
  EXPECT_EQ(back.params.sealing_key, enroll.params.sealing_key);
  EXPECT_EQ(back.params.sealing_key_proof, enroll.params.sealing_key_proof);
  EXPECT_EQ(back.params.environments, enroll.params.environments);
  EXPECT_EQ(back.params.tenants, enroll.params.tenants);
  EXPECT_EQ(back.params.expires_at_ms, enroll.params.expires_at_ms);
}

TEST(Command, EveryVerbKnowsItsName) {
  for (int i = 0; i <= static_cast<int>(Verb::admin_enroll); ++i) {
    const Verb verb = static_cast<Verb>(i);
    EXPECT_EQ(verb_from(name_of(verb)), verb);
  }
}

TEST(Command, AMissingClaimIsNamed) {
  for (const char* name : {"aud", "iat", "exp", "jti", "cmd", "credential"}) {
    json claims = rotate_claims();
    claims.erase(name);
    EXPECT_TRUE(mentions(refusal(claims), "`" + std::string(name) + "` is missing")) << name;
  }
}

TEST(Command, AMisspeltParamIsAnErrorThatNamesTheNearest) {
  json claims = rotate_claims();
  claims["params"] = {{"grace_m", 0}};
  EXPECT_TRUE(mentions(refusal(claims), "did you mean `grace_ms`"));
  claims["params"] = {{"emergancy", true}};
  EXPECT_TRUE(mentions(refusal(claims), "did you mean `emergency`"));
}

TEST(Command, AMisspeltClaimIsAnErrorThatNamesTheNearest) {
  json claims = rotate_claims();
  claims["justificaton"] = "x";
  EXPECT_TRUE(mentions(refusal(claims), "did you mean `justification`"));
}

TEST(Command, AParamOfAnotherCommandIsRefused) {
  json claims = claims_of("revoke");
  claims["credential"] = "acme";
  claims["params"] = {{"grace_ms", 0}};
  EXPECT_TRUE(mentions(refusal(claims), "`params.grace_ms` is not known to revoke"));
}

TEST(Command, NothingTravelsInTheClear) {
  for (const char* name : {"secret", "api_key", "password", "token", "seed", "Secret", "CLIENT-SECRET",
                           "private_key", "passphrase"}) {
    json flat = rotate_claims();
    flat["params"] = {{name, "hunter2"}};
    EXPECT_TRUE(mentions(refusal(flat), "seal it")) << name;
    json item = claims_of("credential.import");
    item["params"] = {
        {"kind", "api_key"}, {"group", "g"}, {"items", {{{"client_id", "a"}, {name, "hunter2"}}}}};
    EXPECT_TRUE(mentions(refusal(item), "seal it")) << name;
    json top = rotate_claims();
    top[name] = "hunter2";
    EXPECT_TRUE(mentions(refusal(top), "seal it")) << name;
  }
}

TEST(Command, ARefusalNeverRepeatsTheValue) {
  json claims = rotate_claims();
  claims["params"] = {{"secret", "hunter2"}};
  EXPECT_FALSE(mentions(refusal(claims), "hunter2"));
}

TEST(Command, WhatTheDesignKnowsButTheEngineDoesNotDoIsNamed) {
  for (const char* cmd : {"approve", "rollback", "pepper.add", "credential.suspend"}) {
    EXPECT_TRUE(mentions(refusal(claims_of(cmd), Code::policy_violation), cmd));
  }
  EXPECT_TRUE(mentions(refusal(claims_of("rotat")), "did you mean `rotate`"));
}

TEST(Command, AProofThatIsNotCheckedIsNotIgnored) {
  json claims = rotate_claims();
  claims["idp_proof"] = "a.b.c";
  EXPECT_TRUE(mentions(refusal(claims, Code::policy_violation), "idp_proof"));
}

TEST(Command, WrongTypesAndRangesAreNamed) {
  const std::vector<std::pair<const char*, json>> wrong = {
      {"grace_ms", -1},           {"grace_ms", "7d"},      {"grace_ms", 1.5},
      {"grace_ms", UINT64_MAX},   {"emergency", "true"},   {"emergency", 1},
      {"not_before", 1700000000}, {"not_before", nullptr}, {"supersede", {1}}};
  for (const auto& [name, value] : wrong) {
    json claims = rotate_claims();
    claims["params"] = {{name, value}};
    EXPECT_TRUE(mentions(refusal(claims), name)) << name << value;
  }
  for (const char* id : {"", "a b", "a/b", "ä", "a\n"}) {
    json claims = rotate_claims();
    claims["credential"] = id;
    EXPECT_TRUE(mentions(refusal(claims), "credential")) << id;
  }
  json long_id = rotate_claims();
  long_id["credential"] = std::string(65, 'a');
  EXPECT_TRUE(mentions(refusal(long_id), "credential"));
  json control = rotate_claims();
  control["reason"] = "line\nbreak";
  EXPECT_TRUE(mentions(refusal(control), "reason"));
  json time = rotate_claims();
  time["iat"] = -5;
  EXPECT_TRUE(mentions(refusal(time), "iat"));
  time["iat"] = 1e300;
  EXPECT_TRUE(mentions(refusal(time), "iat"));
  json params = rotate_claims();
  params["params"] = json::array();
  EXPECT_TRUE(mentions(refusal(params), "params"));
}

TEST(Command, AnImportHasOneToAThousandItemsEachOnce) {
  json claims = claims_of("credential.import");
  const std::string sealed = base64url(Bytes(80, 1));
  claims["params"] = {{"kind", "api_key"}, {"group", "g"}, {"items", json::array()}};
  EXPECT_TRUE(mentions(refusal(claims), "1 to 1000"));
  claims["params"]["items"] = {{{"client_id", "a"}, {"sealed", sealed}},
                               {{"client_id", "a"}, {"sealed", sealed}}};
  EXPECT_TRUE(mentions(refusal(claims), "items[1].client_id"));
  claims["params"]["items"] = {{{"client_id", "a"}}};
  EXPECT_TRUE(mentions(refusal(claims), "items[0].sealed"));
  claims["params"]["items"] = {{{"client_id", "a"}, {"sealed", base64url(Bytes(48, 1))}}};
  EXPECT_TRUE(mentions(refusal(claims), "items[0].sealed"));
  claims["params"]["items"] = {17};
  EXPECT_TRUE(mentions(refusal(claims), "items[0]"));
}

TEST(Answer, ComesBackWhole) {
  Answer answer;
  answer.jti = *Ulid::parse(jti_text);
  answer.command_hash.fill(7);
  answer.status = AnswerStatus::accepted;
  answer.code = Code::ok;
  answer.detail = "on its way";
  answer.durability = "aof-always";
  answer.rotation_json = R"({"state":"notified"})";
  answer.result_json = R"([1,2])";
  const auto back = decode_answer(encode_answer(answer));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->jti, answer.jti);
  EXPECT_EQ(back->command_hash, answer.command_hash);
  EXPECT_EQ(back->status, AnswerStatus::accepted);
  EXPECT_EQ(back->code, Code::ok);
  EXPECT_EQ(back->detail, answer.detail);
  EXPECT_EQ(back->durability, answer.durability);
  EXPECT_EQ(back->rotation_json, answer.rotation_json);
  EXPECT_EQ(back->result_json, answer.result_json);
}

TEST(Answer, DetailMayHoldWhatPeopleWroteAnyBytesIncluded) {
  Answer answer;
  answer.jti = *Ulid::parse(jti_text);
  answer.code = Code::invalid;
  answer.detail = "bad byte \xff here";
  EXPECT_TRUE(decode_answer(encode_answer(answer)));
}

TEST(Answer, ABrokenOneIsNamed) {
  for (const char* text :
       {"{}", R"({"jti":"x"})", "[]",
        R"({"jti":"01J8XQ2M6N3T4V5W6X7Y8Z9A0B","command_sha256":"AA","status":"done","code":"ok"})"}) {
    EXPECT_FALSE(decode_answer(text)) << text;
  }
}

}  // namespace
}  // namespace shearline::policy
