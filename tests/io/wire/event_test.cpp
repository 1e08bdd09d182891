// Audit events: the same facts in the outbox and in the JSON line people read.
#include "base/random.hpp"
#include "io/wire/msgpack_writer.hpp"
#include "io/wire/record.hpp"
#include "tests/io/wire/mutations.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace shearline::wire {
namespace {

using policy::AuditEvent;
using ::testing::HasSubstr;
using ::testing::Not;

AuditEvent full_event() {
  return {.id = "01J0000000000000000000000A",
          .type = "rotation.promoted",
          .at_ms = 1'700'000'000'123,
          .who = "alice",
          .subject = "acme-prod",
          .rotation_id = "01J0000000000000000000000B",
          .version_id = "01J0000000000000000000000C",
          .before = "notified",
          .after = "promoted",
          .reason = "reason",
          .justification = "justification",
          .ticket = "T-1",
          .correlation_id = "c-1",
          .command = "01J0000000000000000000000D",
          .policy_hash = "ab",
          .node = "n1",
          .detail = {{"grace_ms", "86400000"}, {"acks", "alice,bob"}}};
}

void expect_same(const AuditEvent& a, const AuditEvent& b) {
  EXPECT_EQ(a.type, b.type);
  EXPECT_EQ(a.at_ms, b.at_ms);
  EXPECT_EQ(a.who, b.who);
  EXPECT_EQ(a.subject, b.subject);
  EXPECT_EQ(a.rotation_id, b.rotation_id);
  EXPECT_EQ(a.version_id, b.version_id);
  EXPECT_EQ(a.before, b.before);
  EXPECT_EQ(a.after, b.after);
  EXPECT_EQ(a.reason, b.reason);
  EXPECT_EQ(a.justification, b.justification);
  EXPECT_EQ(a.ticket, b.ticket);
  EXPECT_EQ(a.correlation_id, b.correlation_id);
  EXPECT_EQ(a.command, b.command);
  EXPECT_EQ(a.policy_hash, b.policy_hash);
  EXPECT_EQ(a.node, b.node);
  EXPECT_EQ(a.detail, b.detail);
}

TEST(Event, ComesBackWithEveryField) {
  const Result<AuditEvent> read = decode_event(encode_event(full_event()));
  ASSERT_TRUE(read) << read.error().message;
  expect_same(*read, full_event());
}

TEST(Event, ComesBackWithNothingButItsTypeAndTime) {
  AuditEvent sent;
  sent.type = "node.started";
  sent.at_ms = 5;
  const Result<AuditEvent> read = decode_event(encode_event(sent));
  ASSERT_TRUE(read) << read.error().message;
  expect_same(*read, sent);
}

TEST(Event, CutAnywhereIsRefused) {
  testing::for_every_truncation(encode_event(full_event()), [](ByteView cut) {
    EXPECT_EQ(decode_event(cut).error().code, Code::invalid);
  });
}

TEST(Event, WithAnyByteChangedNeverBreaksTheDecoder) {
  std::size_t refused = 0;
  testing::for_every_changed_byte(encode_event(full_event()), [&](ByteView changed) {
    const Result<AuditEvent> read = decode_event(changed);
    if (read) {
      EXPECT_TRUE(nlohmann::json::accept(event_json(*read)));
    } else {
      ++refused;
    }
  });
  EXPECT_GT(refused, 50U);
}

TEST(Event, OfAnUnknownVersionIsRefusedByName) {
  MapWriter map;
  map.unsigned_integer("v", 9);
  EXPECT_EQ(decode_event(map.finish()).error().message, "event: version 9 is not known here");
}

TEST(EventJson, IsOneLineWithEveryFact) {
  const std::string line = event_json(full_event());
  EXPECT_THAT(line, Not(HasSubstr("\n")));
  const nlohmann::json json = nlohmann::json::parse(line);
  EXPECT_EQ(json.at("type"), "rotation.promoted");
  EXPECT_EQ(json.at("at"), "2023-11-14T22:13:20.123Z");
  EXPECT_EQ(json.at("at_ms"), 1'700'000'000'123);
  for (const char* const name :
       {"who", "subject", "rotation_id", "version_id", "before", "after", "reason", "justification", "ticket",
        "correlation_id", "command", "policy_hash", "node"}) {
    EXPECT_TRUE(json.contains(name)) << name;
  }
  EXPECT_EQ(json.at("detail").at("acks"), "alice,bob");
}

TEST(EventJson, KeepsTheLineWholeWhateverTheTextHolds) {
  AuditEvent event;
  event.type = "x";
  event.reason = "two\nlines \"quoted\" \xff\xfe";
  const std::string line = event_json(event);
  EXPECT_THAT(line, Not(HasSubstr("\n")));
  EXPECT_THAT(nlohmann::json::parse(line).at("reason").get<std::string>(),
              HasSubstr("two\nlines \"quoted\""));
}

}  // namespace
}  // namespace shearline::wire
