#include "io/store/loaded_records.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace shearline::store {
namespace {

std::string field_of(int number) { return "credential:client-" + std::to_string(number); }
std::string value_of(int number) {
  return std::string(static_cast<std::size_t>(1 + number % 700), 'v') + field_of(number);
}

void put(LoadedRecords& records, const std::string& field, const std::string& value) {
  records.put({field, as_bytes(value)});
}
std::string found(const LoadedRecords& records, const std::string& field) {
  return to_string(records.find(field));
}
std::vector<std::string> fields_of(const LoadedRecords& records) {
  std::vector<std::string> fields;
  records.for_each([&](const RawRecord& record) { fields.emplace_back(record.field); });
  return fields;
}

TEST(LoadedRecords, HoldNothingAtFirst) {
  const LoadedRecords records;
  EXPECT_EQ(records.size(), 0U);
  EXPECT_TRUE(records.find("credential:a").empty());
  EXPECT_TRUE(fields_of(records).empty());
}

TEST(LoadedRecords, AreFoundByTheirFieldHoweverManyThereAre) {
  constexpr int many = 20'000;
  LoadedRecords records;
  for (int i = 0; i < many; ++i) put(records, field_of(i), value_of(i));
  EXPECT_EQ(records.size(), static_cast<std::size_t>(many));
  for (int i = 0; i < many; ++i) ASSERT_EQ(found(records, field_of(i)), value_of(i));
  EXPECT_TRUE(records.find(field_of(many)).empty());
}

TEST(LoadedRecords, AreVisitedOnceEachInTheOrderInWhichTheyCame) {
  LoadedRecords records;
  std::vector<std::string> expected;
  for (int i = 0; i < 2'000; ++i) {
    put(records, field_of(i), value_of(i));
    expected.push_back(field_of(i));
  }
  EXPECT_EQ(fields_of(records), expected);
}

TEST(LoadedRecords, AreReplacedUnderTheSameFieldBeforeAndAfterTheIndexGrows) {
  LoadedRecords records;
  put(records, "credential:a", "first");
  put(records, "credential:a", "second, and longer");
  EXPECT_EQ(records.size(), 1U);
  for (int i = 0; i < 2'000; ++i) put(records, field_of(i), value_of(i));
  EXPECT_EQ(found(records, "credential:a"), "second, and longer");
  put(records, "credential:a", "3");
  EXPECT_EQ(records.size(), 2'001U);
  EXPECT_EQ(found(records, "credential:a"), "3");
  EXPECT_EQ(fields_of(records).size(), 2'001U);
  EXPECT_EQ(fields_of(records).back(), "credential:a");
}

TEST(LoadedRecords, MayBeAsLongAsARecordGets) {
  LoadedRecords records;
  const std::string longest((std::size_t{1} << 20) + value_prefix_bytes, 'x');
  for (const char* field : {"credential:a", "credential:b", "credential:c"}) put(records, field, longest);
  EXPECT_EQ(found(records, "credential:b"), longest);
}

TEST(LoadedRecords, AreGoneOnceCleared) {
  LoadedRecords records;
  for (int i = 0; i < 2'000; ++i) put(records, field_of(i), value_of(i));
  records.clear();
  EXPECT_EQ(records.size(), 0U);
  EXPECT_TRUE(records.find(field_of(1)).empty());
  put(records, field_of(1), "again");
  EXPECT_EQ(found(records, field_of(1)), "again");
  EXPECT_EQ(fields_of(records).size(), 1U);
}

}  // namespace
}  // namespace shearline::store
