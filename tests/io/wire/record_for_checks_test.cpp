// What a loading node reads of a credential: the same as whoever reads all of it, from the same bytes.
#include "io/wire/record_for_checks.hpp"

#include "io/wire/msgpack_writer.hpp"
#include "tests/io/wire/full_records.hpp"
#include "tests/io/wire/mutations.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace shearline::wire {
namespace {

using namespace testing;
using ::testing::HasSubstr;

TimeMs newest_moment(const Credential& credential) {
  TimeMs newest = std::max(credential.created_at_ms, credential.last_rotated_ms);
  for (const Version& version : credential.versions) {
    newest = std::max({newest, version.created_at_ms, version.promoted_at_ms, version.ended_at_ms});
  }
  if (!credential.rotation) return newest;
  const Rotation& rotation = *credential.rotation;
  return std::max({newest, rotation.requested_at_ms, rotation.notified_at_ms, rotation.promoted_at_ms});
}

void expect_same(const CredentialForChecks& read, const Credential& whole) {
  EXPECT_EQ(read.client_id, whole.client_id);
  EXPECT_EQ(read.status, whole.status);
  EXPECT_EQ(read.credential_class, whole.credential_class);
  EXPECT_EQ(read.foreign_key_lookup, whole.foreign_key_lookup);
  EXPECT_EQ(read.secret_fingerprint, whole.secret_fingerprint);
  EXPECT_EQ(read.expires_at_ms, whole.expires_at_ms);
  EXPECT_EQ(read.newest_moment_ms, newest_moment(whole));
  ASSERT_EQ(read.versions.size(), whole.versions.size());
  for (std::size_t i = 0; i < read.versions.size(); ++i) {
    const VersionForChecks& a = read.versions[i];
    const Version& b = whole.versions[i];
    EXPECT_EQ(a.version_id, b.version_id);
    EXPECT_EQ(a.mac_key_ref, b.mac_key_ref);
    EXPECT_TRUE(equal_in_constant_time(a.digest.reveal(), b.digest.reveal()));
    EXPECT_EQ(a.state, b.state);
    EXPECT_EQ(a.not_after_ms, b.not_after_ms);
    EXPECT_EQ(a.ended_at_ms, b.ended_at_ms);
  }
}

std::string refusal(ByteView payload) {
  Document document;
  CredentialForChecks read;
  const Status decoded = decode_for_checks(payload, document, read);
  return decoded ? "" : decoded.error().message;
}

TEST(RecordForChecks, IsWhatTheWholeRecordSays) {
  const Codec codec;
  Document document;
  CredentialForChecks read;
  const Bytes payload = codec->encode(full_credential());
  ASSERT_TRUE(decode_for_checks(payload, document, read));
  expect_same(read, full_credential());
}

TEST(RecordForChecks, HasUsualValuesForWhatIsNotThere) {
  const Codec codec;
  Credential sent;
  sent.client_id = "a";
  sent.versions.emplace_back();
  sent.rotation.emplace();
  Document document;
  CredentialForChecks read;
  const Bytes payload = codec->encode(sent);
  ASSERT_TRUE(decode_for_checks(payload, document, read));
  expect_same(read, sent);
}

TEST(RecordForChecks, HoldsNothingOfTheRecordReadBefore) {
  const Codec codec;
  Credential sent;
  sent.client_id = "a";
  Document document;
  CredentialForChecks read;
  ASSERT_TRUE(decode_for_checks(codec->encode(full_credential()), document, read));
  const Bytes payload = codec->encode(sent);
  ASSERT_TRUE(decode_for_checks(payload, document, read));
  expect_same(read, sent);
}

TEST(RecordForChecks, KnowsTheNewestMomentWhereverItStands) {
  const Codec codec;
  const std::vector<std::function<TimeMs&(Credential&)>> moments{
      [](Credential& of) -> TimeMs& { return of.created_at_ms; },
      [](Credential& of) -> TimeMs& { return of.last_rotated_ms; },
      [](Credential& of) -> TimeMs& { return of.versions[1].created_at_ms; },
      [](Credential& of) -> TimeMs& { return of.versions[0].promoted_at_ms; },
      [](Credential& of) -> TimeMs& { return of.versions[1].ended_at_ms; },
      [](Credential& of) -> TimeMs& { return of.rotation->requested_at_ms; },
      [](Credential& of) -> TimeMs& { return of.rotation->notified_at_ms; },
      [](Credential& of) -> TimeMs& { return of.rotation->promoted_at_ms; }};
  for (std::size_t i = 0; i < moments.size(); ++i) {
    Credential sent = full_credential();
    moments[i](sent) = 9'000;
    Document document;
    CredentialForChecks read;
    ASSERT_TRUE(decode_for_checks(codec->encode(sent), document, read));
    EXPECT_EQ(read.newest_moment_ms, 9'000) << "moment " << i;
  }
}

TEST(RecordForChecks, IsReadInWhateverOrderItsFieldsStand) {
  MapWriter version;
  version.text("s", "current");
  version.bytes("d", filled<32>(1));
  version.bytes("id", filled<16>(2));
  MapWriter map;
  map.maps("vs", {version.finish()});
  map.text("s", "active");
  map.text("id", "acme");
  map.text("unknown to us", "x");
  map.text("t", "credential");
  map.unsigned_integer("v", 1);
  const Bytes payload = map.finish();
  Document document;
  CredentialForChecks read;
  const Status decoded = decode_for_checks(payload, document, read);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(read.client_id, "acme");
  ASSERT_EQ(read.versions.size(), 1U);
  EXPECT_EQ(read.versions[0].state, policy::VersionState::current);
}

TEST(RecordForChecks, NamesWhatIsMissing) {
  EXPECT_EQ(refusal(Bytes{0x80}), "credential record: field `v` is missing");
  EXPECT_EQ(refusal(Bytes{0x90}), "credential record: not a map");
  MapWriter version;
  version.text("s", "current");
  version.bytes("d", filled<32>(1));
  MapWriter map;
  map.maps("vs", {version.finish()});
  EXPECT_EQ(refusal(map.finish()), "version: field `id` is missing");
}

TEST(RecordForChecks, NamesWhatCannotBeRead) {
  const auto with = [](const std::function<void(MapWriter&)>& write) {
    MapWriter map;
    write(map);
    return refusal(map.finish());
  };
  EXPECT_THAT(with([](MapWriter& map) { map.text("ca", "now"); }), HasSubstr("`ca` has the wrong type"));
  EXPECT_THAT(with([](MapWriter& map) { map.bytes("fk", filled<15>(1)); }),
              HasSubstr("`fk` has the wrong length"));
  EXPECT_THAT(with([](MapWriter& map) { map.unsigned_integer("ex", 1ULL << 63); }),
              HasSubstr("`ex` is out of range"));
  EXPECT_THAT(with([](MapWriter& map) { map.text("s", "asleep"); }), HasSubstr("`s` has an unknown value"));
  EXPECT_THAT(with([](MapWriter& map) { map.text("t", "group"); }),
              HasSubstr("`t` names another type of record"));
  EXPECT_THAT(with([](MapWriter& map) { map.texts("vs", std::vector<std::string>{"x"}); }),
              HasSubstr("version: not a map"));
  EXPECT_THAT(with([](MapWriter& map) { map.text("ro", "x"); }), HasSubstr("`ro` has the wrong type"));
}

TEST(RecordForChecks, OfAnUnknownLayoutVersionIsRefusedByNameWhateverElseItHolds) {
  MapWriter map;
  map.text("s", "asleep");
  map.unsigned_integer("v", 2);
  EXPECT_EQ(refusal(map.finish()), "credential record: layout version 2 is not known here");
}

TEST(RecordForChecks, WithTrailingBytesOrTheSameKeyTwiceIsRefused) {
  const Codec codec;
  Bytes trailing = codec->encode(full_credential());
  trailing.push_back(0);
  EXPECT_THAT(refusal(trailing), HasSubstr("follow after the end"));
  MapWriter map;
  map.text("id", "a");
  map.text("id", "b");
  EXPECT_THAT(refusal(map.finish()), HasSubstr("same key twice"));
}

TEST(RecordForChecks, CutAnywhereIsRefused) {
  const Codec codec;
  for_every_truncation(codec->encode(full_credential()),
                       [&](ByteView cut) { EXPECT_THAT(refusal(cut), HasSubstr("ends too early")); });
}

// Where a byte is not what was written, both readers say the same of it; only what is wrong in a field that checks do not
// need is left to the one who reads it.
TEST(RecordForChecks, WithAnyByteChangedIsReadAsTheWholeRecordIs) {
  const Codec codec;
  std::size_t refused = 0;
  for_every_changed_byte(codec->encode(full_credential()), [&](ByteView changed) {
    Document document;
    CredentialForChecks read;
    const bool readable = decode_for_checks(changed, document, read).has_value();
    refused += readable ? 0 : 1;
    const Result<Credential> whole = codec->decode_credential(changed);
    if (whole) {
      ASSERT_TRUE(readable);
      expect_same(read, *whole);
    }
    if (whole || readable) return;
    EXPECT_EQ(refusal(changed).contains("msgpack"), whole.error().message.contains("msgpack"));
  });
  EXPECT_GT(refused, 100U);
}

}  // namespace
}  // namespace shearline::wire
