#include "cli/inbox_state.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace shearline::cli {
namespace {

Ulid ulid_at(TimeMs at) {
  SeededRandom random(static_cast<std::uint64_t>(at));
  return Ulid::make(at, random);
}

InboxState sample() {
  InboxState state;
  GroupPosition& position = state["payments"];
  position.after = "1700000000000-3";
  position.generation = 2;
  for (TimeMs at = 1; at <= 5; ++at) position.remember(ulid_at(at));
  state["ops"];
  return state;
}

TEST(InboxState, ReadsBackWhatItWrote) {
  const InboxState state = sample();
  const auto again = decode_inbox_state(encode_inbox_state(state));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, state);
}

TEST(InboxState, ASeenEnvelopeIsSeenForEver) {
  GroupPosition position;
  const TimeMs many = static_cast<TimeMs>(seen_ids_max) + 100;
  for (TimeMs at = 1; at <= many; ++at) position.remember(ulid_at(at));
  EXPECT_EQ(position.seen.size(), seen_ids_max);
  for (TimeMs at = 1; at <= many; ++at) EXPECT_TRUE(position.has_seen(ulid_at(at))) << at;
  EXPECT_FALSE(position.has_seen(ulid_at(many + 1)));
}

TEST(InboxState, RefusesWhatIsDamaged) {
  const std::string good = encode_inbox_state(sample());
  for (std::size_t length = 0; length + 2 < good.size(); ++length) {
    EXPECT_FALSE(decode_inbox_state(good.substr(0, length))) << length;
  }
  for (
      const char* bad :
      {"[]", "{}", R"({"v":2,"groups":{}})", R"({"v":1,"groups":[]})", R"({"v":1,"groups":{"a":{}}})",
       R"({"v":1,"groups":{"a b":{"after":"0-0","generation":1,"seen":[],"forgotten":"00000000000000000000000000"}}})",
       R"({"v":1,"groups":{"a":{"after":"$","generation":1,"seen":[],"forgotten":"00000000000000000000000000"}}})",
       R"({"v":1,"groups":{"a":{"after":"0-0","generation":-1,"seen":[],"forgotten":"00000000000000000000000000"}}})",
       R"({"v":1,"groups":{"a":{"after":"0-0","generation":1,"seen":["x"],"forgotten":"00000000000000000000000000"}}})",
       R"({"v":1,"groups":{"a":{"after":"0-0","generation":1,"seen":[],"forgotten":7}}})"}) {
    EXPECT_FALSE(decode_inbox_state(bad)) << bad;
  }
}

TEST(InboxState, KnowsTheIdsOfStreams) {
  EXPECT_TRUE(is_stream_id("0-0"));
  EXPECT_TRUE(is_stream_id("1700000000000-12"));
  for (const char* bad : {"", "-", "1", "1-", "-1", "$", "1-2-3", "1 -2", "123456789012345678901-0",
                          "18446744073709551616-0", "0-18446744073709551616"}) {
    EXPECT_FALSE(is_stream_id(bad)) << bad;
  }
  EXPECT_TRUE(is_stream_id("18446744073709551615-18446744073709551615"));
}

TEST(InboxState, OrdersTheIdsOfStreamsAsNumbers) {
  EXPECT_TRUE(stands_before("9-0", "10-0"));
  EXPECT_TRUE(stands_before("9-9", "9-10"));
  EXPECT_TRUE(stands_before("0-0", "18446744073709551615-18446744073709551615"));
  for (const char* id : {"0-0", "9-10", "10-0"}) EXPECT_FALSE(stands_before(id, id)) << id;
  EXPECT_FALSE(stands_before("10-0", "9-10"));
}

class InboxStateFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "shearline-inbox-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string path() const { return folder_ / "admin.json.inbox"; }

  std::filesystem::path folder_;
};

TEST_F(InboxStateFile, MissingIsEmpty) {
  const auto state = load_inbox_state(path());
  ASSERT_TRUE(state);
  EXPECT_TRUE(state->empty());
}

TEST_F(InboxStateFile, IsReplacedWholeAndPrivate) {
  ASSERT_TRUE(save_inbox_state(path(), {}));
  ASSERT_TRUE(save_inbox_state(path(), sample()));
  const auto state = load_inbox_state(path());
  ASSERT_TRUE(state);
  EXPECT_EQ(*state, sample());
  EXPECT_EQ(std::filesystem::status(path()).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(InboxStateFile, DamagedIsNamedWithItsPath) {
  std::ofstream(path()) << "{";
  const auto state = load_inbox_state(path());
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().code, Code::invalid);
  EXPECT_NE(state.error().message.find(path()), std::string::npos);
}

}  // namespace
}  // namespace shearline::cli
