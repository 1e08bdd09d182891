#include "cli/inbox_entry.hpp"

#include "cli/inbox.hpp"
#include "mls/hpke.hpp"

#include <gtest/gtest.h>

namespace shearline::cli {
namespace {

constexpr TimeMs now = 1'700'000'000'000;

class InboxEntryTest : public testing::Test {
 protected:
  InboxEntryTest() {
    alice_.admin_id = "alice";
    alice_.signing_seed = random_key(random_);
    alice_.opening_key = random_key(random_);
    alice_.engine.signing_key = ed25519_public(engine_);
  }

  wire::Envelope envelope_for(std::string_view admin_id, const PublicKey& sealing_key) {
    wire::Envelope envelope;
    envelope.id = Ulid::make(now, random_);
    envelope.group_id = "payments";
    envelope.generation = 2;
    envelope.at_ms = now;
    envelope.rotation_id = Ulid::make(now, random_).text();
    envelope.client_id = "acme";
    envelope.version_id = Ulid::make(now, random_).text();
    envelope.to = {std::string(admin_id)};

    wire::DeliveredSecret delivered;
    delivered.rotation_id = envelope.rotation_id;
    delivered.client_id = inside_client_;
    delivered.version_id = envelope.version_id;
    delivered.secret = Secret::copy_of(as_bytes("s3cret"));
    delivered.issued_at_ms = now;
    const Plaintext plaintext = wire::encode_secret(delivered);
    const Bytes aad = wire::associated_data("payments", envelope.rotation_id, "acme", envelope.version_id);
    const auto sealed =
        mls::hpke::seal_base(mls::hpke::default_suite, sealing_key, wire::sealed_info("payments", admin_id),
                             aad, plaintext.reveal(), random_);
    envelope.sealed = {{std::string(admin_id), sealed->encapsulated, sealed->ciphertext}};
    return envelope;
  }
  wire::Envelope envelope_for_alice() { return envelope_for("alice", x25519_public(alice_.opening_key)); }

  Result<Entry> judge(const wire::Envelope& envelope, const GroupPosition& position = {}) {
    return judge_entry(wire::encode_signed(envelope, engine_), "payments", position, alice_);
  }

  SeededRandom random_{11};
  Key engine_ = random_key(random_);
  keys::AdminKeys alice_;
  std::string inside_client_ = "acme";
};

TEST_F(InboxEntryTest, ASecretForUsIsOpened) {
  const auto entry = judge(envelope_for_alice());
  ASSERT_TRUE(entry) << entry.error().message;
  ASSERT_EQ(entry->kind, EntryKind::secret);
  EXPECT_EQ(as_text(entry->delivered->secret.reveal()), "s3cret");
  EXPECT_EQ(entry->delivered->client_id, "acme");
}

TEST_F(InboxEntryTest, ASecretForOthersIsPassedOver) {
  const auto entry = judge(envelope_for("bob", x25519_public(random_key(random_))));
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->kind, EntryKind::not_for_us);
  EXPECT_FALSE(entry->delivered);
}

TEST_F(InboxEntryTest, TheSameEnvelopeAgainIsDropped) {
  const wire::Envelope envelope = envelope_for_alice();
  GroupPosition position;
  position.remember(envelope.id);
  const auto entry = judge(envelope, position);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->kind, EntryKind::repeated);
  EXPECT_FALSE(entry->delivered);
}

TEST_F(InboxEntryTest, OfAnotherSignerIsRefused) {
  const Key stranger = random_key(random_);
  const auto entry = judge_entry(wire::encode_signed(envelope_for_alice(), stranger), "payments", {}, alice_);
  ASSERT_FALSE(entry);
  EXPECT_EQ(entry.error().code, Code::unauthorized);
}

TEST_F(InboxEntryTest, PutIntoAnotherGroupsStreamIsRefused) {
  const auto entry = judge_entry(wire::encode_signed(envelope_for_alice(), engine_), "ops", {}, alice_);
  ASSERT_FALSE(entry);
  EXPECT_EQ(entry.error().code, Code::unauthorized);
}

TEST_F(InboxEntryTest, OfAReplacedGenerationIsRefused) {
  GroupPosition position;
  position.generation = 3;
  const auto entry = judge(envelope_for_alice(), position);
  ASSERT_FALSE(entry);
  EXPECT_EQ(entry.error().code, Code::unauthorized);
}

TEST_F(InboxEntryTest, SealedToAnotherKeyUnderOurNameIsRefused) {
  const auto entry = judge(envelope_for("alice", x25519_public(random_key(random_))));
  ASSERT_FALSE(entry);
  EXPECT_EQ(entry.error().code, Code::invalid);
}

TEST_F(InboxEntryTest, NamingAnotherClientThanItWasSealedForIsRefused) {
  wire::Envelope envelope = envelope_for_alice();
  envelope.client_id = "other";
  EXPECT_FALSE(judge(envelope));
}

TEST_F(InboxEntryTest, WithAnotherClientInsideIsRefused) {
  inside_client_ = "other";
  const auto entry = judge(envelope_for_alice());
  ASSERT_FALSE(entry);
  EXPECT_EQ(entry.error().code, Code::invalid);
}

TEST_F(InboxEntryTest, CutAnywhereIsRefused) {
  const Bytes whole = wire::encode_signed(envelope_for_alice(), engine_);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(judge_entry(ByteView(whole).first(length), "payments", {}, alice_)) << length;
  }
}

TEST_F(InboxEntryTest, ANoticeTellsTheEndOfTheWindow) {
  wire::Envelope notice;
  notice.id = Ulid::make(now, random_);
  notice.group_id = "payments";
  notice.kind = wire::EnvelopeKind::notice;
  notice.at_ms = now;
  notice.client_id = "acme";
  notice.rotation_id = Ulid::make(now, random_).text();
  notice.version_id = Ulid::make(now, random_).text();
  notice.window_ends_ms = now + 1000;
  const auto entry = judge(notice);
  ASSERT_TRUE(entry) << entry.error().message;
  EXPECT_EQ(entry->kind, EntryKind::notice);
  EXPECT_EQ(entry->envelope.window_ends_ms, now + 1000);
}

store::RedisReply bulk(std::string_view text) {
  return {.type = store::RedisReply::Type::bulk, .integer = 0, .text = to_bytes(as_bytes(text)), .items = {}};
}
store::RedisReply array(std::vector<store::RedisReply> items) {
  return {.type = store::RedisReply::Type::array, .integer = 0, .text = {}, .items = std::move(items)};
}
store::RedisReply entry(std::string_view id, std::string_view value) {
  return array({bulk(id), array({bulk("e"), bulk(value)})});
}

TEST(StreamItems, AreReadFromSeveralStreams) {
  const auto items = stream_items(array({array({bulk("s1"), array({entry("1-0", "a"), entry("2-0", "b")})}),
                                         array({bulk("s2"), array({entry("7-1", "c")})})}));
  ASSERT_TRUE(items);
  ASSERT_EQ(items->size(), 3U);
  EXPECT_EQ((*items)[1].stream, "s1");
  EXPECT_EQ((*items)[1].id, "2-0");
  EXPECT_EQ((*items)[2].stream, "s2");
  EXPECT_EQ(as_text((*items)[2].envelope), "c");
}

TEST(StreamItems, NilIsNothingNew) {
  const auto items = stream_items({});
  ASSERT_TRUE(items);
  EXPECT_TRUE(items->empty());
}

TEST(StreamItems, OfAnUnknownFormAreRefused) {
  store::RedisReply error = bulk("NOPERM");
  error.type = store::RedisReply::Type::error;
  EXPECT_EQ(stream_items(error).error().code, Code::unauthorized);
  EXPECT_FALSE(stream_items(bulk("x")));
  EXPECT_FALSE(stream_items(array({bulk("x")})));
  EXPECT_FALSE(stream_items(array({array({bulk("s"), bulk("x")})})));
  EXPECT_FALSE(stream_items(array({array({bulk("s"), array({bulk("x")})})})));
  EXPECT_FALSE(stream_items(array({array({bulk("s"), array({array({bulk("not-an-id"), array({})})})})})));
}

TEST(StreamEnd, IsTheIdOfTheLastEntry) {
  EXPECT_EQ(stream_end(array({entry("7-1", "c")})).value(), "7-1");
  EXPECT_EQ(stream_end(array({})).value(), "0-0");
  for (const auto& odd :
       {bulk("x"), array({bulk("x")}), array({entry("x", "c")}), array({array({bulk("7-1")})})}) {
    EXPECT_EQ(stream_end(odd).error().code, Code::invalid);
  }
}

TEST(RedisRefusal, SaysWhetherWaitingHelps) {
  const auto code_of = [](std::string_view text) {
    store::RedisReply error = bulk(text);
    error.type = store::RedisReply::Type::error;
    EXPECT_EQ(stream_end(error).error().message, "Redis refuses XREVRANGE: " + std::string(text));
    return stream_end(error).error().code;
  };
  for (const char* forbidden :
       {"NOPERM no permissions", "NOAUTH Authentication required.", "WRONGPASS invalid"}) {
    EXPECT_EQ(code_of(forbidden), Code::unauthorized);
  }
  EXPECT_EQ(code_of("WRONGTYPE Operation against a key"), Code::invalid);
  for (const char* passing :
       {"LOADING Redis is loading", "MASTERDOWN Link with MASTER is down", "BUSY script", "ERR what"}) {
    EXPECT_EQ(code_of(passing), Code::unavailable);
  }
}

TEST(StreamKey, HasTheGroupAsItsHashTag) {
  EXPECT_EQ(group_stream_key("shearline:", "payments"), "shearline:{g:payments}:stream");
}

TEST(GroupsWithUs, AreReadFromTheEnginesList) {
  const char* list =
      R"({"groups":[{"group_id":"a","members":["alice","bob"]},{"group_id":"b","members":["bob"]},
                         {"group_id":"c","members":["alice"]},{"group_id":"not an id","members":["alice"]},{}]})";
  EXPECT_EQ(groups_with(list, "alice"), (std::vector<std::string>{"a", "c"}));
  EXPECT_TRUE(groups_with(list, "carol").empty());
  EXPECT_TRUE(groups_with("not json", "alice").empty());
}

TEST(GroupsWithUs, GoOnAfterTheLastOneWhileThereAreMore) {
  EXPECT_EQ(groups_go_on_after(R"({"groups":[{"group_id":"a"},{"group_id":"b"}],"more":true})"), "b");
  for (const char* last :
       {R"({"groups":[{"group_id":"a"}],"more":false})", R"({"groups":[],"more":true})",
        R"({"groups":[{"group_id":"a"}]})", R"({"groups":[{"group_id":"not an id"}],"more":true})",
        R"({"groups":[7],"more":true})", R"({"groups":7,"more":true})", "[]", "not json", ""}) {
    EXPECT_EQ(groups_go_on_after(last), "") << last;
  }
}

}  // namespace
}  // namespace shearline::cli
