// The rule file: defaults, classes, and every fault at once with its line.
#include "policy/rules.hpp"

#include "base/encoding.hpp"

#include <gtest/gtest.h>

namespace shearline::policy {
namespace {

Rules read(std::string_view toml) {
  auto rules = parse_rules(toml, "rules.toml");
  if (rules) return std::move(*rules);
  for (const RuleFault& fault : rules.error()) ADD_FAILURE() << fault.where << " " << fault.message;
  return {};
}
std::vector<RuleFault> faults(std::string_view toml) {
  auto rules = parse_rules(toml, "rules.toml");
  return rules ? std::vector<RuleFault>{} : rules.error();
}
bool is_only_fault(std::string_view toml, std::string_view where, std::string_view part) {
  const auto found = faults(toml);
  for (const RuleFault& fault : found) {
    if (found.size() == 1 && fault.where == where && fault.message.find(part) != std::string::npos)
      return true;
    ADD_FAILURE() << fault.where << " " << fault.message;
  }
  return false;
}

TEST(Rules, AnEmptyTextGivesTheDefaultsOfTheModel) {
  const Rules rules = read("");
  const ClassRules& base = *rules.find("default");
  EXPECT_EQ(base.grace_ms, 7 * day_ms);
  EXPECT_EQ(base.grace_max_ms, 30 * day_ms);
  EXPECT_EQ(base.minimum_interval_ms, hour_ms);
  EXPECT_EQ(base.ack_deadline_ms, 30 * minute_ms);
  EXPECT_EQ(base.quorum, 1U);
  EXPECT_TRUE(base.accept_pending);
  EXPECT_EQ(base.retention_ms, 30 * day_ms);
  EXPECT_FALSE(rules.bootstrap);
  EXPECT_EQ(rules.rotation_period_ms(CredentialKind::api_key), 90 * day_ms);
  EXPECT_EQ(rules.rotation_period_ms(CredentialKind::service_key), 30 * day_ms);
  EXPECT_TRUE(rules.idp_proof_required_in.contains("prod"));
  EXPECT_EQ(rules.find("other"), nullptr);
}

TEST(Rules, EverythingThatCanBeSaidIsRead) {
  const Rules rules = read(R"(
bootstrap = true
denied_clients = ["legacy-1", "legacy-2"]
supersede_admins = ["alice"]
idp_proof_required_in = []
commands_per_minute_per_admin = 60
[rotation_period]
api_key = "60d"
service_key = "10d"
oauth2_client_secret = "45d"
[class.default]
grace = "3d"
minimum_interval = "2h"
[class.strict]
grace = "24h"
grace_max = "24h"
ack_deadline = "10m"
quorum = 2
emergency_quorum = 3
strict_when_stale = true
retention = "90d"
)");
  EXPECT_TRUE(rules.bootstrap);
  EXPECT_TRUE(rules.denied_clients.contains("legacy-2"));
  EXPECT_TRUE(rules.supersede_admins.contains("alice"));
  EXPECT_TRUE(rules.idp_proof_required_in.empty());
  EXPECT_EQ(rules.commands_per_minute_per_admin, 60U);
  EXPECT_EQ(rules.rotation_period_ms(CredentialKind::api_key), 60 * day_ms);
  EXPECT_EQ(rules.rotation_period_ms(CredentialKind::service_key), 10 * day_ms);
  EXPECT_EQ(rules.rotation_period_ms(CredentialKind::oauth2_client_secret), 45 * day_ms);
  const ClassRules& strict = *rules.find("strict");
  EXPECT_EQ(strict.grace_ms, day_ms);
  EXPECT_EQ(strict.grace_max_ms, day_ms);
  EXPECT_EQ(strict.ack_deadline_ms, 10 * minute_ms);
  EXPECT_EQ(strict.quorum, 2U);
  EXPECT_EQ(strict.emergency_quorum, 3U);
  EXPECT_TRUE(strict.strict_when_stale);
  EXPECT_EQ(strict.retention_ms, 90 * day_ms);
  EXPECT_EQ(rules.find("default")->quorum, 1U);
}

TEST(Rules, AClassInheritsWhatTheDefaultClassSaysWhateverTheirOrder) {
  const Rules rules = read("[class.strict]\nquorum = 2\n[class.default]\nminimum_interval = \"2h\"\n");
  EXPECT_EQ(rules.find("strict")->minimum_interval_ms, 2 * hour_ms);
}

TEST(Rules, PendingIsAcceptedByDefaultOnlyWhereTheQuorumIsOne) {
  const Rules rules = read(
      "[class.default]\naccept_pending = true\n[class.two]\nquorum = 2\n[class.sure]\nquorum = 2\n"
      "accept_pending = true\n[class.one]\naccept_pending = false\n");
  EXPECT_TRUE(rules.find("default")->accept_pending);
  EXPECT_FALSE(rules.find("two")->accept_pending);
  EXPECT_TRUE(rules.find("sure")->accept_pending);
  EXPECT_FALSE(rules.find("one")->accept_pending);
}

TEST(Rules, TheHashIsOfTheText) {
  EXPECT_EQ(read("# a\n").hash, hex(sha256(as_bytes("# a\n"))));
  EXPECT_NE(read("# a\n").hash, read("# b\n").hash);
}

TEST(Rules, AllFaultsComeAtOnceInTheOrderOfTheirLines) {
  const auto found = faults(R"(boostrap = true
denied_clients = ["ok", "not ok"]
commands_per_minute_per_admin = 0
[rotation_period]
api_key = 90
[class.default]
grace = "31d"
quorum = 0
acept_pending = true
[class.strict]
grace_max = "1d"
grace = "2d"
)");
  std::vector<std::string> where;
  where.reserve(found.size());
  for (const RuleFault& fault : found) where.push_back(fault.where);
  EXPECT_EQ(where,
            (std::vector<std::string>{"rules.toml:1", "rules.toml:2", "rules.toml:3", "rules.toml:5",
                                      "rules.toml:7", "rules.toml:8", "rules.toml:9", "rules.toml:12"}));
}

TEST(Rules, AnUnknownKeyNamesTheNearestKnownOne) {
  EXPECT_TRUE(is_only_fault("boostrap = true", "rules.toml:1", "did you mean `bootstrap`?"));
  EXPECT_TRUE(is_only_fault("\n[class.default]\ngrase = \"1d\"", "rules.toml:3", "did you mean `grace`?"));
  EXPECT_TRUE(is_only_fault("[rotation_period]\napikey = \"1d\"", "rules.toml:2", "did you mean `api_key`?"));
  EXPECT_TRUE(is_only_fault("xyzzy = 1", "rules.toml:1", "not known in the rules"));
}

TEST(Rules, GraceIsAtMostThirtyDays) {
  EXPECT_EQ(read("[class.default]\ngrace = \"30d\"").find("default")->grace_ms, 30 * day_ms);
  EXPECT_TRUE(is_only_fault("[class.default]\ngrace = \"2592001s\"", "rules.toml:2", "30d"));
  EXPECT_TRUE(is_only_fault("[class.default]\ngrace_max = \"31d\"", "rules.toml:2", "30d"));
}

TEST(Rules, ALowerLimitBringsTheInheritedGraceDown) {
  EXPECT_EQ(read("[class.strict]\ngrace_max = \"24h\"").find("strict")->grace_ms, day_ms);
}

TEST(Rules, WrongTypesAreFaultsNotDefaults) {
  EXPECT_TRUE(is_only_fault("bootstrap = \"yes\"", "rules.toml:1", "true or false"));
  EXPECT_TRUE(is_only_fault("bootstrap = 1", "rules.toml:1", "true or false"));
  EXPECT_TRUE(is_only_fault("denied_clients = \"a\"", "rules.toml:1", "list"));
  EXPECT_TRUE(is_only_fault("class = 1", "rules.toml:1", "section"));
  EXPECT_TRUE(is_only_fault("[class]\nstrict = 1", "rules.toml:2", "section"));
  EXPECT_TRUE(is_only_fault("[class.default]\nquorum = 1.5", "rules.toml:2", "whole number"));
  EXPECT_TRUE(is_only_fault("[class.default]\nquorum = 257", "rules.toml:2", "1 to 256"));
  EXPECT_TRUE(is_only_fault("[class.default]\ngrace = 7", "rules.toml:2", "duration"));
  EXPECT_TRUE(is_only_fault("[class.\"a b\"]\nquorum = 1", "rules.toml:1", "class name"));
}

TEST(Rules, WhatIsNotTomlSaysWhere) {
  EXPECT_TRUE(is_only_fault("a = 1\nb = = 2\n", "rules.toml:2", "not TOML"));
  EXPECT_TRUE(is_only_fault("bootstrap = true\nbootstrap = false\n", "rules.toml:2", "not TOML"));
  EXPECT_EQ(faults("\xff\xfe").size(), 1U);
}

TEST(Rules, AClassTakenOutOfTheFileNeverLoosensWhatItHeld) {
  const Rules rules = read("[class.a]\nquorum = 3\n[class.b]\ngrace = \"1h\"\nminimum_interval = \"5h\"\n");
  const ClassRules gone = rules.of_class("gone");
  EXPECT_EQ(gone.quorum, 3U);
  EXPECT_EQ(gone.grace_ms, hour_ms);
  EXPECT_EQ(gone.minimum_interval_ms, 5 * hour_ms);
  EXPECT_FALSE(gone.accept_pending);
}

TEST(Durations, AreReadInEveryUnitAndNothingElse) {
  EXPECT_EQ(parse_duration("0"), 0);
  EXPECT_EQ(parse_duration("500ms"), 500);
  EXPECT_EQ(parse_duration("90s"), 90'000);
  EXPECT_EQ(parse_duration("30m"), 30 * minute_ms);
  EXPECT_EQ(parse_duration("24h"), day_ms);
  EXPECT_EQ(parse_duration("7d"), 7 * day_ms);
  for (const char* bad : {"", "7", "d", "-1d", "+1d", "1.5h", "1 d", " 1d", "1d ", "1D", "1w", "1dd",
                          "9223372036854775807d", "99999999999999999999s", "0x1s", "1d2h"}) {
    EXPECT_FALSE(parse_duration(bad)) << bad;
  }
}

TEST(Durations, AreWrittenSoThatTheyReadBack) {
  EXPECT_EQ(duration_text(0), "0");
  EXPECT_EQ(duration_text(30 * day_ms), "30d");
  EXPECT_EQ(duration_text(25 * hour_ms), "25h");
  for (const std::int64_t ms : {1LL, 999LL, 1000LL, 90'000LL, 86'400'000LL, 86'400'001LL}) {
    EXPECT_EQ(parse_duration(duration_text(ms)), ms);
  }
}

}  // namespace
}  // namespace shearline::policy
