// Group envelopes: what the engine signs is what a member reads, and nothing else is read at all. Delivered
// secrets: padded, and in the arena from end to end.
#include "io/wire/envelope.hpp"

#include "base/encoding.hpp"
#include "io/wire/msgpack_writer.hpp"
#include "tests/io/wire/mutations.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace shearline::wire {
namespace {

using ::testing::HasSubstr;

Key seed_of(Byte fill) {
  Key key = Key::of_size(32);
  for (Byte& byte : key.writable()) byte = fill;
  return key;
}

Envelope sample_envelope() {
  Envelope envelope;
  envelope.id = *Ulid::parse("01J0000000000000000000000A");
  envelope.group_id = "payments";
  envelope.generation = 3;
  envelope.kind = EnvelopeKind::sealed;
  envelope.at_ms = 1'700'000'000'123;
  envelope.to = {"alice", "bob"};
  envelope.rotation_id = "01J0000000000000000000000B";
  envelope.client_id = "acme-prod";
  envelope.version_id = "01J0000000000000000000000C";
  envelope.sealed = {{"alice", Bytes(32, 1), Bytes(60, 2)}, {"bob", Bytes(32, 3), Bytes(60, 4)}};
  return envelope;
}

Bytes encoded_sample() { return encode_signed(sample_envelope(), seed_of(7)); }
PublicKey engine_key() { return ed25519_public(seed_of(7)); }

// An envelope with any fields, signed as the engine would.
Bytes sign_map(MapWriter& map) {
  const Signature signature = ed25519_sign(seed_of(7), map.finish());
  map.bytes("sig", signature);
  return map.finish();
}

MapWriter minimal_map(std::uint64_t version = 1) {
  MapWriter map;
  map.unsigned_integer("v", version);
  map.text("id", "01J0000000000000000000000A");
  map.text("gid", "g");
  map.unsigned_integer("generation", 1);
  map.text("kind", "notice");
  map.unsigned_integer("epoch", 0);
  map.integer("at", 5);
  return map;
}

TEST(Envelope, ComesBackAsItWasWritten) {
  const Envelope sent = sample_envelope();
  const Result<Envelope> read = decode_signed(encoded_sample(), engine_key());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->id, sent.id);
  EXPECT_EQ(read->group_id, sent.group_id);
  EXPECT_EQ(read->generation, sent.generation);
  EXPECT_EQ(read->kind, sent.kind);
  EXPECT_EQ(read->epoch, sent.epoch);
  EXPECT_EQ(read->to, sent.to);
  EXPECT_EQ(read->at_ms, sent.at_ms);
  EXPECT_EQ(read->rotation_id, sent.rotation_id);
  EXPECT_EQ(read->client_id, sent.client_id);
  EXPECT_EQ(read->version_id, sent.version_id);
  EXPECT_FALSE(read->window_ends_ms.has_value());
  ASSERT_EQ(read->sealed.size(), 2U);
  EXPECT_EQ(read->sealed[1].admin_id, "bob");
  EXPECT_EQ(read->sealed[1].encapsulated, sent.sealed[1].encapsulated);
  EXPECT_EQ(read->sealed[1].ciphertext, sent.sealed[1].ciphertext);
}

TEST(Envelope, NoticeTellsTheActualEndOfTheWindow) {
  Envelope notice;
  notice.group_id = "payments";
  notice.kind = EnvelopeKind::notice;
  notice.window_ends_ms = 1'700'000'600'000;
  const Result<Envelope> read = decode_signed(encode_signed(notice, seed_of(7)), engine_key());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->window_ends_ms, 1'700'000'600'000);
}

TEST(Envelope, OfTheLargestGroupFitsItsLimits) {
  Envelope envelope = sample_envelope();
  envelope.sealed.assign(sealed_for_max, {std::string(64, 'a'), Bytes(32, 1), Bytes(1040, 2)});
  const Bytes bytes = encode_signed(envelope, seed_of(7));
  EXPECT_LT(bytes.size(), envelope_bytes_max);
  EXPECT_TRUE(decode_signed(bytes, engine_key()));
}

TEST(Envelope, ForMoreThanTheLargestGroupIsRefused) {
  Envelope envelope = sample_envelope();
  envelope.sealed.assign(sealed_for_max + 1, {"a", Bytes(32, 1), Bytes(48, 2)});
  const Result<Envelope> read = decode_signed(encode_signed(envelope, seed_of(7)), engine_key());
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::invalid);
  EXPECT_THAT(read.error().message, HasSubstr("more than 256"));
}

TEST(Envelope, OfAnotherEngineIsUnauthorized) {
  const Result<Envelope> read = decode_signed(encoded_sample(), ed25519_public(seed_of(8)));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::unauthorized);
}

TEST(Envelope, CutAnywhereIsInvalid) {
  testing::for_every_truncation(encoded_sample(), [](ByteView cut) {
    const Result<Envelope> read = decode_signed(cut, engine_key());
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, Code::invalid);
  });
}

TEST(Envelope, WithAnyByteChangedIsRefused) {
  testing::for_every_changed_byte(
      encoded_sample(), [](ByteView changed) { EXPECT_FALSE(decode_signed(changed, engine_key())); });
}

TEST(Envelope, WithTrailingBytesIsInvalid) {
  Bytes bytes = encoded_sample();
  bytes.push_back(0xc0);
  EXPECT_EQ(decode_signed(bytes, engine_key()).error().code, Code::invalid);
}

TEST(Envelope, WithUnknownFieldsIsReadAndTheyAreUnderTheSignature) {
  MapWriter map = minimal_map();
  map.text("something_new", "hello");
  const Bytes bytes = sign_map(map);
  EXPECT_TRUE(decode_signed(bytes, engine_key()));
  Bytes changed = bytes;
  changed.at(as_text(bytes).find("hello")) = 'j';
  EXPECT_EQ(decode_signed(changed, engine_key()).error().code, Code::unauthorized);
}

TEST(Envelope, OfAnUnknownVersionIsRefusedByName) {
  MapWriter map = minimal_map(2);
  const Result<Envelope> read = decode_signed(sign_map(map), engine_key());
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::invalid);
  EXPECT_THAT(read.error().message, HasSubstr("version 2"));
}

TEST(Envelope, OfAnUnknownKindIsRefused) {
  MapWriter map;
  map.unsigned_integer("v", 1);
  map.text("id", "01J0000000000000000000000A");
  map.text("gid", "g");
  map.unsigned_integer("generation", 1);
  map.text("kind", "proposal");
  map.unsigned_integer("epoch", 0);
  map.integer("at", 5);
  EXPECT_THAT(decode_signed(sign_map(map), engine_key()).error().message, HasSubstr("`kind`"));
}

TEST(Envelope, WithoutAFieldNamesIt) {
  MapWriter map;
  map.unsigned_integer("v", 1);
  map.text("id", "01J0000000000000000000000A");
  EXPECT_EQ(decode_signed(sign_map(map), engine_key()).error().message, "envelope: field `gid` is missing");
}

TEST(Envelope, WithoutASignatureAtItsEndIsInvalid) {
  MapWriter map = minimal_map();
  EXPECT_THAT(decode_signed(map.finish(), engine_key()).error().message,
              HasSubstr("does not end in a signature"));
  MapWriter moved;
  moved.bytes("sig", Bytes(64, 0));
  moved.unsigned_integer("v", 1);
  EXPECT_THAT(decode_signed(moved.finish(), engine_key()).error().message,
              HasSubstr("does not end in a signature"));
}

TEST(AssociatedData, IsTheArrayOfFourIds) {
  EXPECT_EQ(hex(associated_data("g", "r", "c", "v")), "94a167a172a163a176");
}

TEST(SealedInfo, SeparatesGroupAndAdminByZeroBytes) {
  EXPECT_EQ(hex(sealed_info("g1", "al")),
            hex(as_bytes("shearline v1 sealed")) + "00" + "6731" + "00" + "616c");
}

DeliveredSecret sample_secret(std::size_t secret_bytes = 43) {
  DeliveredSecret out;
  out.rotation_id = "01J0000000000000000000000B";
  out.client_id = "acme-prod";
  out.version_id = "01J0000000000000000000000C";
  out.secret = Secret::of_size(secret_bytes);
  for (Byte& byte : out.secret.writable()) byte = 'x';
  out.api_key = Plaintext::copy_of(as_bytes("sl_acme-prod.xxx"));
  out.not_before_ms = 5;
  out.grace_ms = 86'400'000;
  out.issued_at_ms = 1'700'000'000'000;
  out.metadata = {"team", "billing", "staging", "acme", "internal", 7'776'000'000};
  return out;
}

TEST(DeliveredSecret, ComesBackAsItWasWritten) {
  const DeliveredSecret sent = sample_secret();
  const Result<DeliveredSecret> read = decode_secret(encode_secret(sent));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->rotation_id, sent.rotation_id);
  EXPECT_EQ(read->client_id, sent.client_id);
  EXPECT_EQ(read->version_id, sent.version_id);
  EXPECT_TRUE(equal_in_constant_time(read->secret.reveal(), sent.secret.reveal()));
  EXPECT_TRUE(equal_in_constant_time(read->api_key.reveal(), sent.api_key.reveal()));
  EXPECT_EQ(read->not_before_ms, sent.not_before_ms);
  EXPECT_EQ(read->grace_ms, sent.grace_ms);
  EXPECT_EQ(read->issued_at_ms, sent.issued_at_ms);
  EXPECT_EQ(read->metadata, sent.metadata);
}

TEST(DeliveredSecret, IsPaddedTo256ByteStepsWhateverItsLength) {
  for (std::size_t size = 1; size <= 512; ++size) {
    const Plaintext plaintext = encode_secret(sample_secret(size));
    ASSERT_EQ(plaintext.size() % 256, 0U) << size;
    const Result<DeliveredSecret> read = decode_secret(plaintext);
    ASSERT_TRUE(read) << size << ": " << read.error().message;
    ASSERT_EQ(read->secret.size(), size);
  }
}

TEST(DeliveredSecret, WithoutPaddingToAStepIsRefused) {
  Plaintext plaintext = encode_secret(sample_secret());
  plaintext.shrink(plaintext.size() - 1);
  EXPECT_THAT(decode_secret(plaintext).error().message, HasSubstr("not padded"));
}

TEST(DeliveredSecret, WithPaddingThatIsNotZeroIsRefused) {
  Plaintext plaintext = encode_secret(sample_secret());
  plaintext.writable().back() = 1;
  EXPECT_THAT(decode_secret(plaintext).error().message, HasSubstr("`pad`"));
}

TEST(DeliveredSecret, CutAnywhereIsRefused) {
  const Plaintext whole = encode_secret(sample_secret());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(decode_secret(Plaintext::copy_of(whole.reveal().first(size)))) << size;
  }
}

TEST(DeliveredSecret, WithAnyByteChangedNeverBreaksTheDecoder) {
  const Plaintext whole = encode_secret(sample_secret());
  testing::for_every_changed_byte(whole.reveal(), [](ByteView changed) {
    const Result<DeliveredSecret> read = decode_secret(Plaintext::copy_of(changed));
    EXPECT_LE(read ? read->secret.size() : 0, 512U);
  });
}

TEST(DeliveredSecret, LeavesNothingInTheArena) {
  const std::size_t before = arena_state().used_bytes;
  {
    EXPECT_TRUE(decode_secret(encode_secret(sample_secret())));
  }
  EXPECT_EQ(arena_state().used_bytes, before);
}

TEST(DeliveredSecret, NeverAppearsInARefusal) {
  Plaintext plaintext = encode_secret(sample_secret());
  plaintext.writable().back() = 1;
  EXPECT_THAT(decode_secret(plaintext).error().message, ::testing::Not(HasSubstr("xxx")));
}

TEST(AckTag, IsTheHmacOfTheDesign) {
  const Secret secret = Secret::copy_of(as_bytes("003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf"));
  std::string message = "shearline v1 ack";
  message += std::string("\0r1", 3) + std::string("\0alice", 6);
  const Hash expected = hmac_sha256(secret.reveal(), {as_bytes(message)});
  EXPECT_TRUE(equal_in_constant_time(ack_tag(secret, "r1", "alice").reveal(), expected));
  EXPECT_FALSE(equal_in_constant_time(ack_tag(secret, "r1", "bob").reveal(), expected));
}

}  // namespace
}  // namespace shearline::wire
