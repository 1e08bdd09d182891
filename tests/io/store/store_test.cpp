#include "io/store/store.hpp"

#include <gmock/gmock.h>

namespace shearline::store {
namespace {

// CRC16 of "123456789" is 0x31C3 and Redis Cluster puts "foo" into slot 12182 (0x2F96 of 16384): both are
// multiples of 16 apart from their last digit, which is the partition.
TEST(Partitions, FollowTheCrc16OfRedisCluster) {
  EXPECT_EQ(partition_of("123456789"), 0x31C3U % 16);
  EXPECT_EQ(partition_of("foo"), 12182U % 16);
  EXPECT_EQ(partition_of(""), 0U);
}

TEST(Partitions, AreSpreadOverClientIds) {
  std::array<int, credential_partitions> count{};
  for (int i = 0; i < 16'000; ++i) ++count[partition_of("client-" + std::to_string(i))];
  for (const int n : count) EXPECT_GT(n, 800);
}

TEST(Partitions, HaveTheTagsOfTheContract) {
  EXPECT_EQ(partition_tag(0), "{p00}");
  EXPECT_EQ(partition_tag(9), "{p09}");
  EXPECT_EQ(partition_tag(15), "{p15}");
  EXPECT_EQ(partition_tag(system_partition), "{sys}");
}

TEST(RecordKey, ComesBackFromItsField) {
  for (const Kind kind : {Kind::credential, Kind::admin, Kind::group, Kind::fact}) {
    const RecordKey key{kind, "acme:prod"};
    EXPECT_EQ(RecordKey::from_field(key.field()), key);
  }
  EXPECT_EQ((RecordKey{Kind::credential, "acme-prod"}).field(), "credential:acme-prod");
}

TEST(RecordKey, RefusesFieldsThatNobodyWrites) {
  for (const std::string_view field :
       {"", ":", "credential", "credential:", ":acme", "Credential:acme", "usage:acme"}) {
    EXPECT_EQ(RecordKey::from_field(field), std::nullopt) << field;
  }
  EXPECT_EQ(RecordKey::from_field(std::string("credential:a\0b", 14)), std::nullopt);
  EXPECT_EQ(RecordKey::from_field("credential:" + std::string(record_id_bytes_max + 1, 'a')), std::nullopt);
}

TEST(RecordKey, PutsOnlyCredentialsIntoTheirOwnPartitions) {
  EXPECT_EQ((RecordKey{Kind::credential, "foo"}).partition(), partition_of("foo"));
  EXPECT_EQ((RecordKey{Kind::admin, "foo"}).partition(), system_partition);
  EXPECT_EQ((RecordKey{Kind::group, "foo"}).partition(), system_partition);
  EXPECT_EQ((RecordKey{Kind::fact, "foo"}).partition(), system_partition);
}

TEST(GroupId, MustFitIntoAHashTag) {
  EXPECT_TRUE(is_group_id("payments.eu~1"));
  for (const std::string_view id : {"", "a}b", "a{b", "a b", "a:b", "a\n"})
    EXPECT_FALSE(is_group_id(id)) << id;
  EXPECT_FALSE(is_group_id(std::string(65, 'a')));
}

TEST(ChangeHash, CoversNumberFieldAndValue) {
  const RawChange change{7, "credential:a", {1, 2}};
  for (const RawChange& other : {RawChange{8, "credential:a", {1, 2}}, RawChange{7, "credential:b", {1, 2}},
                                 RawChange{7, "credential:a", {1, 3}}}) {
    EXPECT_NE(hash_of(change), hash_of(other));
  }
}

}  // namespace
}  // namespace shearline::store
