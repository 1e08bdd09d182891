// Records: what the engine stores is what it reads back, to the last field; whatever else stands there is refused
// with its place named.
#include "io/wire/record.hpp"

#include "base/encoding.hpp"
#include "io/wire/msgpack_writer.hpp"
#include "tests/io/wire/full_records.hpp"
#include "tests/io/wire/mutations.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

namespace shearline::wire {
namespace {

using policy::Admin;
using policy::Credential;
using policy::Group;
using policy::Rotation;
using policy::Version;
using namespace testing;
using ::testing::HasSubstr;
using ::testing::Not;

bool same(const AckTag& a, const AckTag& b) { return equal_in_constant_time(a.reveal(), b.reveal()); }

void expect_same_answers(const std::vector<policy::AnsweredCommand>& a,
                         const std::vector<policy::AnsweredCommand>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].jti, b[i].jti);
    EXPECT_EQ(a[i].command_hash, b[i].command_hash);
    EXPECT_EQ(a[i].answer, b[i].answer);
    EXPECT_EQ(a[i].keep_until_ms, b[i].keep_until_ms);
  }
}

void expect_same_version(const Version& a, const Version& b) {
  EXPECT_EQ(a.version_id, b.version_id);
  EXPECT_EQ(a.algorithm, b.algorithm);
  EXPECT_EQ(a.mac_key_ref, b.mac_key_ref);
  EXPECT_TRUE(equal_in_constant_time(a.digest.reveal(), b.digest.reveal()));
  EXPECT_EQ(a.state, b.state);
  EXPECT_EQ(a.created_at_ms, b.created_at_ms);
  EXPECT_EQ(a.not_before_ms, b.not_before_ms);
  EXPECT_EQ(a.not_after_ms, b.not_after_ms);
  EXPECT_EQ(a.promoted_at_ms, b.promoted_at_ms);
  EXPECT_EQ(a.ended_at_ms, b.ended_at_ms);
  EXPECT_EQ(a.created_by, b.created_by);
  EXPECT_EQ(a.reason, b.reason);
  EXPECT_EQ(a.weak, b.weak);
}

void expect_same_rotation(const Rotation& a, const Rotation& b) {
  EXPECT_EQ(a.rotation_id, b.rotation_id);
  EXPECT_EQ(a.version_id, b.version_id);
  EXPECT_EQ(a.state, b.state);
  EXPECT_EQ(a.creation, b.creation);
  EXPECT_EQ(a.emergency, b.emergency);
  EXPECT_EQ(a.supersede, b.supersede);
  EXPECT_EQ(a.requester, b.requester);
  EXPECT_EQ(a.reason, b.reason);
  EXPECT_EQ(a.justification, b.justification);
  EXPECT_EQ(a.ticket, b.ticket);
  EXPECT_EQ(a.correlation_id, b.correlation_id);
  EXPECT_EQ(a.grace_ms, b.grace_ms);
  EXPECT_EQ(a.quorum_required, b.quorum_required);
  EXPECT_EQ(a.acks, b.acks);
  ASSERT_EQ(a.ack_tags.size(), b.ack_tags.size());
  for (std::size_t i = 0; i < a.ack_tags.size(); ++i) {
    EXPECT_EQ(a.ack_tags[i].admin_id, b.ack_tags[i].admin_id);
    EXPECT_TRUE(same(a.ack_tags[i].tag, b.ack_tags[i].tag));
  }
  EXPECT_EQ(a.requested_at_ms, b.requested_at_ms);
  EXPECT_EQ(a.not_before_ms, b.not_before_ms);
  EXPECT_EQ(a.notified_at_ms, b.notified_at_ms);
  EXPECT_EQ(a.deadline_ms, b.deadline_ms);
  EXPECT_EQ(a.promoted_at_ms, b.promoted_at_ms);
  EXPECT_EQ(a.envelope_id, b.envelope_id);
  EXPECT_EQ(a.envelope, b.envelope);
}

void expect_same_credential(const Credential& a, const Credential& b) {
  EXPECT_EQ(a.client_id, b.client_id);
  EXPECT_EQ(a.kind, b.kind);
  EXPECT_EQ(a.status, b.status);
  EXPECT_EQ(a.metadata, b.metadata);
  EXPECT_EQ(a.group, b.group);
  EXPECT_EQ(a.credential_class, b.credential_class);
  EXPECT_EQ(a.api_key_prefix, b.api_key_prefix);
  EXPECT_EQ(a.foreign_key_lookup, b.foreign_key_lookup);
  EXPECT_EQ(a.secret_fingerprint, b.secret_fingerprint);
  EXPECT_EQ(a.created_at_ms, b.created_at_ms);
  EXPECT_EQ(a.last_rotated_ms, b.last_rotated_ms);
  EXPECT_EQ(a.expires_at_ms, b.expires_at_ms);
  EXPECT_EQ(a.events_written, b.events_written);
  ASSERT_EQ(a.versions.size(), b.versions.size());
  for (std::size_t i = 0; i < a.versions.size(); ++i) expect_same_version(a.versions[i], b.versions[i]);
  ASSERT_EQ(a.rotation.has_value(), b.rotation.has_value());
  if (a.rotation) expect_same_rotation(*a.rotation, *b.rotation);
  ASSERT_EQ(a.ended.size(), b.ended.size());
  for (std::size_t i = 0; i < a.ended.size(); ++i) {
    EXPECT_EQ(a.ended[i].rotation_id, b.ended[i].rotation_id);
    EXPECT_EQ(a.ended[i].outcome, b.ended[i].outcome);
    EXPECT_EQ(a.ended[i].ended_at_ms, b.ended[i].ended_at_ms);
  }
  expect_same_answers(a.answered, b.answered);
}

TEST(CredentialRecord, ComesBackWithEveryField) {
  const Codec codec;
  const Result<Credential> read = codec->decode_credential(codec->encode(full_credential()));
  ASSERT_TRUE(read) << read.error().message;
  expect_same_credential(*read, full_credential());
}

TEST(CredentialRecord, ComesBackWithEveryFieldAtItsUsualValue) {
  const Codec codec;
  Credential sent;
  sent.client_id = "a";
  sent.versions.emplace_back();
  sent.rotation.emplace();
  const Result<Credential> read = codec->decode_credential(codec->encode(sent));
  ASSERT_TRUE(read) << read.error().message;
  expect_same_credential(*read, sent);
}

TEST(CredentialRecord, ComesBackInEveryStateOfVersionAndRotation) {
  const Codec codec;
  for (int state = 0; state <= static_cast<int>(policy::RotationState::superseded); ++state) {
    Credential sent = full_credential();
    sent.rotation->state = static_cast<policy::RotationState>(state);
    sent.versions[0].state = static_cast<policy::VersionState>(state % 6);
    const Result<Credential> read = codec->decode_credential(codec->encode(sent));
    ASSERT_TRUE(read) << read.error().message;
    expect_same_credential(*read, sent);
  }
}

TEST(CredentialRecord, AtTheLimitsOfTheModelIsReadable) {
  const Codec codec;
  Credential sent = full_credential();
  sent.versions.clear();
  for (std::size_t i = 0; i < policy::version_tombstones_max + policy::accepting_versions_max; ++i) {
    sent.versions.push_back(full_version(static_cast<Byte>(i)));
  }
  sent.ended.assign(policy::rotation_history_max, sent.ended[0]);
  sent.answered.assign(policy::answered_commands_max, sent.answered[0]);
  sent.rotation->ack_tags.clear();
  sent.rotation->acks.clear();
  for (std::size_t i = 0; i < policy::group_members_max; ++i) {
    const std::string admin = "admin-" + std::to_string(i);
    sent.rotation->acks.insert(admin);
    sent.rotation->ack_tags.push_back(
        {.admin_id = admin, .tag = AckTag::copy_of(filled<32>(static_cast<Byte>(i)))});
  }
  sent.rotation->envelope = Bytes(300 * 1024, 1);
  const Result<Credential> read = codec->decode_credential(codec->encode(sent));
  ASSERT_TRUE(read) << read.error().message;
  expect_same_credential(*read, sent);
}

TEST(CredentialRecord, HoldsNoAckTagInTheClear) {
  const Codec codec;
  const std::string text = hex(codec->encode(full_credential()));
  EXPECT_THAT(text, Not(HasSubstr(hex(filled<32>(31)))));
  EXPECT_THAT(text, Not(HasSubstr(hex(filled<32>(32)))));
}

TEST(CredentialRecord, SealsTagsUnderAFreshNonceEachTime) {
  const Codec codec;
  EXPECT_NE(codec->encode(full_credential()), codec->encode(full_credential()));
}

TEST(CredentialRecord, OpensTagsOnlyWithItsStateKey) {
  const Codec codec;
  SeededRandom random(1);
  const RecordCodec other(state_key(4), random);
  const Result<Credential> read = other.decode_credential(codec->encode(full_credential()));
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr("`tg` does not open with this state key"));
}

// The bytes of `from` replaced by as many of `to`, wherever they stand.
Bytes with_replaced(Bytes bytes, std::string_view from, std::string_view to) {
  const std::string_view text = as_text(bytes);
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string_view::npos);
  std::ranges::copy(as_bytes(to), bytes.begin() + static_cast<std::ptrdiff_t>(at));
  return bytes;
}

TEST(CredentialRecord, RefusesTagsOfAnotherClientRotationOrMember) {
  const Codec codec;
  Credential sent = full_credential();
  sent.rotation->acks.clear();
  sent.rotation->requester.clear();
  for (Version& version : sent.versions) version.created_by.clear();
  const Bytes whole = codec->encode(sent);
  ASSERT_TRUE(codec->decode_credential(whole));
  for (const auto& [from, to] : {std::pair("acme-prod", "acme-test"), std::pair("alice", "carol")}) {
    const Result<Credential> read = codec->decode_credential(with_replaced(whole, from, to));
    ASSERT_FALSE(read) << from;
    EXPECT_THAT(read.error().message, HasSubstr("`tg` does not open"));
  }
  const std::string id(16, 21);
  const Result<Credential> read = codec->decode_credential(with_replaced(whole, id, std::string(16, 20)));
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr("`tg` does not open"));
}

TEST(AdminRecord, ComesBackWithEveryField) {
  const Codec codec;
  const Result<Admin> read = codec->decode_admin(codec->encode(full_admin()));
  ASSERT_TRUE(read) << read.error().message;
  const Admin sent = full_admin();
  EXPECT_EQ(read->admin_id, sent.admin_id);
  EXPECT_EQ(read->person, sent.person);
  EXPECT_EQ(read->signing_key, sent.signing_key);
  EXPECT_EQ(read->sealing_key, sent.sealing_key);
  EXPECT_EQ(read->sealing_key_proof, sent.sealing_key_proof);
  EXPECT_EQ(read->environments, sent.environments);
  EXPECT_EQ(read->tenants, sent.tenants);
  EXPECT_EQ(read->founding, sent.founding);
  EXPECT_EQ(read->revoked, sent.revoked);
  EXPECT_EQ(read->enrolled_at_ms, sent.enrolled_at_ms);
  EXPECT_EQ(read->expires_at_ms, sent.expires_at_ms);
  EXPECT_EQ(read->enrolled_by, sent.enrolled_by);
  expect_same_answers(read->answered, sent.answered);
}

TEST(GroupRecord, ComesBackWithEveryField) {
  const Codec codec;
  const Result<Group> read = codec->decode_group(codec->encode(full_group()));
  ASSERT_TRUE(read) << read.error().message;
  const Group sent = full_group();
  EXPECT_EQ(read->group_id, sent.group_id);
  EXPECT_EQ(read->generation, sent.generation);
  EXPECT_EQ(read->members, sent.members);
  EXPECT_EQ(read->created_at_ms, sent.created_at_ms);
  EXPECT_EQ(read->created_by, sent.created_by);
  expect_same_answers(read->answered, sent.answered);
}

TEST(Record, OfAnotherTypeIsRefused) {
  const Codec codec;
  EXPECT_THAT(codec->decode_admin(codec->encode(full_group())).error().message, HasSubstr("another type"));
  EXPECT_THAT(codec->decode_group(codec->encode(full_admin())).error().message, HasSubstr("another type"));
  EXPECT_THAT(codec->decode_credential(codec->encode(full_admin())).error().message,
              HasSubstr("another type"));
}

TEST(Record, OfAnUnknownLayoutVersionIsRefusedByName) {
  MapWriter map;
  map.unsigned_integer("v", 2);
  map.text("t", "group");
  const Codec codec;
  EXPECT_EQ(codec->decode_group(map.finish()).error().message,
            "group record: layout version 2 is not known here");
}

TEST(Record, WithTrailingBytesOrTheSameKeyTwiceIsRefused) {
  const Codec codec;
  Bytes trailing = codec->encode(full_group());
  trailing.push_back(0);
  EXPECT_THAT(codec->decode_group(trailing).error().message, HasSubstr("follow after the end"));
  MapWriter map;
  map.unsigned_integer("v", 1);
  map.text("t", "group");
  map.text("id", "a");
  map.text("id", "b");
  EXPECT_THAT(codec->decode_group(map.finish()).error().message, HasSubstr("same key twice"));
}

TEST(Record, WithAnUnknownStateIsRefused) {
  const Codec codec;
  const Bytes bytes = with_replaced(codec->encode(full_credential()), "suspended", "suspenden");
  EXPECT_THAT(codec->decode_credential(bytes).error().message, HasSubstr("`s` has an unknown value"));
}

TEST(Record, CutAnywhereIsRefused) {
  const Codec codec;
  testing::for_every_truncation(codec->encode(full_credential()), [&](ByteView cut) {
    EXPECT_EQ(codec->decode_credential(cut).error().code, Code::invalid);
  });
  testing::for_every_truncation(codec->encode(full_admin()), [&](ByteView cut) {
    EXPECT_EQ(codec->decode_admin(cut).error().code, Code::invalid);
  });
  testing::for_every_truncation(codec->encode(full_group()), [&](ByteView cut) {
    EXPECT_EQ(codec->decode_group(cut).error().code, Code::invalid);
  });
}

// Authenticity is the MAC's work, one floor down; here nothing may break, whatever comes.
TEST(Record, WithAnyByteChangedNeverBreaksTheDecoder) {
  const Codec codec;
  std::size_t refused = 0;
  testing::for_every_changed_byte(codec->encode(full_credential()), [&](ByteView changed) {
    if (!codec->decode_credential(changed)) ++refused;
  });
  testing::for_every_changed_byte(codec->encode(full_admin()), [&](ByteView changed) {
    if (!codec->decode_admin(changed)) ++refused;
  });
  testing::for_every_changed_byte(codec->encode(full_group()), [&](ByteView changed) {
    if (!codec->decode_group(changed)) ++refused;
  });
  EXPECT_GT(refused, 100U);
}

}  // namespace
}  // namespace shearline::wire
