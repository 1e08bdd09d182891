// What credentials and rotations look like to who asks for their state.
#include "tests/policy/workbench.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace shearline::policy {
namespace {

using test::mentions;
using test::Workbench;

class StatusJson : public testing::Test, public Workbench {};

TEST_F(StatusJson, ARotationShowsWhatPeopleWaitFor) {
  make_rotated();
  const auto json = nlohmann::json::parse(rotation_json(credential, *credential.rotation));
  EXPECT_EQ(json["rotation_id"], credential.rotation->rotation_id.text());
  EXPECT_EQ(json["client_id"], "acme");
  EXPECT_EQ(json["version_id"], in(VersionState::current)->version_id.text());
  EXPECT_EQ(json["state"], "promoted");
  EXPECT_EQ(json["quorum"]["required"], 1);
  EXPECT_EQ(json["quorum"]["acks"], nlohmann::json({"alice"}));
  EXPECT_EQ(json["promoted_at_ms"], now);
  EXPECT_EQ(json["window_ends_at_ms"], in(VersionState::grace)->not_after_ms);
  EXPECT_EQ(json["replaces_version_id"], in(VersionState::grace)->version_id.text());
}

TEST_F(StatusJson, AnOpenRotationHasADeadlineAndNoWindow) {
  make_active();
  ASSERT_EQ(rotate(), Code::ok);
  notify();
  const auto json = nlohmann::json::parse(rotation_json(credential, *credential.rotation));
  EXPECT_EQ(json["deadline_ms"], now + 30 * minute_ms);
  EXPECT_TRUE(json["window_ends_at_ms"].is_null());
  EXPECT_TRUE(json["promoted_at_ms"].is_null());
  EXPECT_EQ(json["requested_at_ms"], now);
}

TEST_F(StatusJson, AnEndedRotationKeepsItsOutcome) {
  make_active();
  const std::string id = credential.ended.front().rotation_id.text();
  const auto text = find_rotation_json(credential, id);
  ASSERT_TRUE(text);
  EXPECT_EQ(nlohmann::json::parse(*text)["state"], "completed");
  EXPECT_FALSE(find_rotation_json(credential, "01J8XQ2M6N3T4V5W6X7Y8Z9A0B"));
}

TEST_F(StatusJson, BeyondItsLimitTellsTheNewestVersionsAndHowManyItLeavesOut) {
  make_active();
  for (int i = 0; i < 40; ++i) {
    Version old;
    old.state = i % 2 == 0 ? VersionState::destroyed : VersionState::retired;
    old.created_by = "admin-" + std::to_string(i);
    old.reason = std::string(500, '"');  // twice as long in JSON
    credential.versions.push_back(std::move(old));
  }
  const std::size_t versions = credential.versions.size();
  const auto all = nlohmann::json::parse(credential_json(credential));
  EXPECT_EQ(all["versions"].size(), versions);
  EXPECT_FALSE(all.contains("versions_left_out"));

  constexpr std::size_t bytes_max = 16'000;
  const std::string text = credential_json(credential, bytes_max);
  EXPECT_LE(text.size(), bytes_max + 32);
  const auto some = nlohmann::json::parse(text);
  EXPECT_GT(some["versions"].size(), 5U);
  EXPECT_EQ(some["versions"].size() + some["versions_left_out"].get<std::size_t>(), versions);
  for (std::size_t i = 0; i < some["versions"].size(); ++i)
    EXPECT_EQ(some["versions"][i], all["versions"][i]);

  std::ranges::rotate(credential.versions, credential.versions.begin() + 1);  // the current one comes last
  const auto least = nlohmann::json::parse(credential_json(credential, 0));
  ASSERT_EQ(least["versions"].size(), 1U);
  EXPECT_EQ(least["versions"][0]["state"], "current");
}

TEST_F(StatusJson, NoDigestTagOrEnvelopeIsShown) {
  make_active();
  ASSERT_EQ(rotate(), Code::ok);
  const std::string text = credential_json(credential);
  EXPECT_NE(text.find("secret://payments/staging/acme"), std::string::npos);
  for (const char* word : {"digest", "ack_tag", "envelope", "fingerprint"}) {
    EXPECT_FALSE(mentions(text, word)) << word;
  }
}

}  // namespace
}  // namespace shearline::policy
