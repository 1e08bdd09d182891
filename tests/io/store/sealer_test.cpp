#include "base/encoding.hpp"
#include "io/store/sealed.hpp"

#include <gmock/gmock.h>

namespace shearline::store {
namespace {

struct SealerTest : testing::Test {
  SeededRandom random{1};
  Key state_key = random_key(random);
  Sealer sealer{state_key, random};
  RecordKey acme{Kind::credential, "acme-prod"};
  Bytes payload = to_bytes(as_bytes("what the credential is"));
};

TEST_F(SealerTest, RecordComesBackWithItsRevision) {
  const Bytes value = sealer.seal(acme, 7, payload);
  const auto record = sealer.open(acme, value);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->name.field(), acme.field());
  EXPECT_EQ(record->revision, 7U);
  EXPECT_EQ(to_bytes(record->payload), payload);
}

TEST_F(SealerTest, RecordBeginsWithItsRevisionForTheScript) {
  const Bytes value = sealer.seal(acme, 0x0102030405060708, payload);
  EXPECT_EQ(hex(ByteView(value).first(8)), "0102030405060708");
  EXPECT_EQ(value.size(), value_prefix_bytes + payload.size());
}

// The MAC as security.md "Record integrity" writes it, put together by hand.
TEST_F(SealerTest, RecordMacCoversWhatTheDesignSays) {
  Bytes covered = to_bytes(as_bytes(std::string_view("shearline v1 record\0credential\0acme-prod\0", 41)));
  append(covered, be64(7));
  append(covered, payload);
  const Hash mac = hmac_sha256(derive_key(state_key, "shearline v1 record key").reveal(), {covered});
  EXPECT_EQ(hex(ByteView(sealer.seal(acme, 7, payload)).subspan(8, 32)), hex(mac));
}

TEST_F(SealerTest, RecordCannotStandInForAnother) {
  const Bytes value = sealer.seal(acme, 7, payload);
  EXPECT_FALSE(sealer.open(RecordName{Kind::credential, "acme-test"}, value));
  EXPECT_FALSE(sealer.open(RecordName{Kind::admin, "acme-prod"}, value));
  EXPECT_FALSE(Sealer(random_key(random), random).open(acme, value));
}

TEST_F(SealerTest, RecordWithAnyBitTurnedIsRefused) {
  const Bytes value = sealer.seal(acme, 7, payload);
  for (std::size_t i = 0; i < value.size(); ++i) {
    Bytes bad = value;
    bad[i] ^= 0x01;
    EXPECT_FALSE(sealer.open(acme, bad)) << "byte " << i;
  }
}

TEST_F(SealerTest, RecordOfEveryShorterLengthIsRefused) {
  const Bytes value = sealer.seal(acme, 7, payload);
  for (std::size_t size = 0; size < value.size(); ++size) {
    EXPECT_FALSE(sealer.open(acme, ByteView(value).first(size))) << size;
  }
}

// Short records, which are hashed side by side, and longer ones, which are not.
struct Batch {
  std::vector<std::string> fields;
  std::vector<Bytes> values;
  std::vector<RawRecord> records() const {
    std::vector<RawRecord> out;
    for (std::size_t i = 0; i < fields.size(); ++i) out.push_back({fields[i], values[i]});
    return out;
  }
};
Batch batch_of(const Sealer& sealer, std::size_t count) {
  Batch batch;
  for (std::size_t i = 0; i < count; ++i) {
    const RecordKey key{i % 3 == 0 ? Kind::group : Kind::credential, "id-" + std::to_string(i)};
    batch.fields.push_back(key.field());
    batch.values.push_back(
        sealer.seal(key, i + 1, Bytes(i % 7 == 0 ? 4000 + i : i * 11, static_cast<Byte>(i))));
  }
  return batch;
}

TEST_F(SealerTest, TogetherRecordsAreJudgedAsOneByOne) {
  for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{17}, Sealer::together_max}) {
    for (std::size_t bad = 0; bad < count; ++bad) {
      Batch batch = batch_of(sealer, count);
      Bytes& value = batch.values[bad];
      value[bad % value.size()] ^= 0x10;
      const auto good = sealer.authentic(batch.records());
      for (std::size_t i = 0; i < count; ++i) {
        ASSERT_EQ(good[i], i != bad) << i << " of " << count;
        ASSERT_EQ(good[i],
                  sealer.open(*RecordName::from_field(batch.fields[i]), batch.values[i]).has_value());
      }
    }
  }
}

TEST_F(SealerTest, TogetherWhatIsNoRecordIsNotAuthenticAndSpoilsNoOther) {
  Batch batch = batch_of(sealer, 8);
  batch.fields[1] = "rubbish";
  batch.fields[2] = batch.fields[4];  // another record's place
  batch.values[3].resize(value_prefix_bytes - 1);
  batch.values[5].clear();
  batch.values[6] = sealer.seal(*RecordName::from_field(batch.fields[6]), 0, payload);  // revision 0
  EXPECT_EQ(sealer.authentic(batch.records()).to_string().substr(Sealer::together_max - 8), "10010001");
}

TEST_F(SealerTest, TogetherTermsAreTheSameAsOneByOne) {
  const Batch batch = batch_of(sealer, Sealer::together_max);
  std::vector<Sealer::Term> terms(batch.fields.size());
  sealer.terms(batch.records(), terms);
  for (std::size_t i = 0; i < terms.size(); ++i) {
    EXPECT_EQ(hex(terms[i]), hex(sealer.term(batch.fields[i], batch.values[i]))) << i;
  }
}

TEST_F(SealerTest, RevisionZeroMeansAbsentAndIsNeverARecord) {
  EXPECT_FALSE(sealer.open(acme, sealer.seal(acme, 0, payload)));
}

TEST_F(SealerTest, HeadComesBackAndIsBoundToItsPartition) {
  Sealer::Head head{42, 3, {}};
  Sealer::add(head, sealer.term("credential:a", payload));
  const Bytes sealed = sealer.seal_head(5, head);
  EXPECT_EQ(sealer.open_head(5, sealed).value(), head);
  EXPECT_FALSE(sealer.open_head(6, sealed));
}

TEST_F(SealerTest, HeadOfAnyOtherLengthOrBitIsRefused) {
  const Bytes sealed = sealer.seal_head(5, {});
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_FALSE(sealer.open_head(5, ByteView(sealed).first(size))) << size;
  }
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    Bytes bad = sealed;
    bad[i] ^= 0x80;
    EXPECT_FALSE(sealer.open_head(5, bad)) << i;
  }
  Bytes longer = sealed;
  longer.push_back(0);
  EXPECT_FALSE(sealer.open_head(5, longer));
}

TEST_F(SealerTest, HeadNeverLooksTheSameTwice) {
  EXPECT_NE(sealer.seal_head(5, {}), sealer.seal_head(5, {}));
}

TEST_F(SealerTest, SumCarriesAndBorrowsModuloTwoToThe256) {
  Sealer::Term all_ones, one{};
  all_ones.fill(0xFF);
  one.back() = 1;
  Sealer::Head head;
  Sealer::add(head, all_ones);
  Sealer::add(head, one);
  EXPECT_EQ(head.sum, Sealer::Term{});
  EXPECT_EQ(head.count, 2U);
  Sealer::subtract(head, one);
  EXPECT_EQ(head.sum, all_ones);
  Sealer::subtract(head, all_ones);
  EXPECT_EQ(head, Sealer::Head{});
}

TEST_F(SealerTest, SumDoesNotDependOnTheOrder) {
  const auto a = sealer.term("credential:a", payload);
  const auto b = sealer.term("credential:b", payload);
  EXPECT_NE(a, b);
  Sealer::Head one, other;
  Sealer::add(one, a);
  Sealer::add(one, b);
  Sealer::add(other, b);
  Sealer::add(other, a);
  EXPECT_EQ(one, other);
}

TEST_F(SealerTest, EventComesBackOnlyAtItsOwnPlace) {
  const Hash record_hash = sha256(as_bytes("record"));
  const Bytes sealed = sealer.seal_event(3, 9, 1, record_hash, payload);
  const auto opened = sealer.open_event(3, 9, 1, sealed);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->event, payload);
  EXPECT_EQ(opened->record_hash, record_hash);
  EXPECT_FALSE(sealer.open_event(4, 9, 1, sealed));
  EXPECT_FALSE(sealer.open_event(3, 8, 1, sealed));
  EXPECT_FALSE(sealer.open_event(3, 9, 0, sealed));
}

TEST_F(SealerTest, EventOfAnyShorterLengthOrOtherBitIsRefused) {
  const Bytes sealed = sealer.seal_event(3, 9, 1, {}, payload);
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_FALSE(sealer.open_event(3, 9, 1, ByteView(sealed).first(size))) << size;
  }
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    Bytes bad = sealed;
    bad[i] ^= 0x10;
    EXPECT_FALSE(sealer.open_event(3, 9, 1, bad)) << i;
  }
}

}  // namespace
}  // namespace shearline::store
