#include "engine/entry_store.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace shearline::engine {
namespace {

bool is_wiped(const Midstates& midstates) {
  const auto is_zero = [](std::uint32_t word) { return word == 0; };
  return std::ranges::all_of(midstates.inner, is_zero) && std::ranges::all_of(midstates.outer, is_zero);
}

void write(EntryStore& store, std::uint32_t number, std::uint64_t value) {
  store.writable_entry(number).client = {value, ~value};
  store.writable_entry(number).midstates.inner.fill(static_cast<std::uint32_t>(value) | 1);
  store.writable_side(number).revision = value;
}

TEST(EntryStore, NumbersEntriesInTheOrderTheyAreTaken) {
  EntryStore store(false);
  for (std::uint32_t n = 0; n < 100; ++n) EXPECT_EQ(store.take(), n);
}

TEST(EntryStore, GrowsWithoutMovingAnEntry) {
  EntryStore store(false);
  const std::uint32_t first = store.take();
  write(store, first, 42);
  const Entry* const place = &store.entry(first);
  for (std::uint64_t n = 0; n < 40'000; ++n) write(store, store.take(), n);  // more than it grows by at once
  EXPECT_EQ(&store.entry(first), place);
  EXPECT_EQ(store.entry(first).client, (KeyedHash{42, ~std::uint64_t{42}}));
  EXPECT_EQ(store.side(40'000).revision, 39'999U);
}

TEST(EntryStore, WhatIsGivenBackIsWipedAtOnceAndTakenFirst) {
  EntryStore store(true);
  const std::uint32_t kept = store.take();
  const std::uint32_t gone = store.take();
  write(store, kept, 1);
  write(store, gone, 2);
  store.writable_second_midstates(gone).outer.fill(3);
  EXPECT_FALSE(store.has_free());
  store.give_back(gone);
  EXPECT_TRUE(store.has_free());
  EXPECT_TRUE(is_wiped(store.entry(gone).midstates));
  EXPECT_TRUE(is_wiped(store.second_midstates(gone)));
  EXPECT_FALSE(is_wiped(store.entry(kept).midstates));
  EXPECT_EQ(store.take(), gone);
  EXPECT_EQ(store.side(gone).revision, 0U) << "fresh";
}

TEST(EntryStoreDeathTest, NothingIsGivenBackTwice) {
  EntryStore store(false);
  const std::uint32_t number = store.take();
  store.give_back(number);
  EXPECT_DEATH(store.give_back(number), "");
}

TEST(EntryStore, EachKindOfSlotFindsAnEntryByAHashOfItsOwn) {
  EntryStore store(false);
  const std::uint32_t number = store.take();
  write(store, number, 5);
  auto extra = std::make_unique<EntryExtra>();
  extra->foreign_key = {6, 7};
  store.writable_side(number).extra = std::move(extra);
  EXPECT_EQ(store.hash_of(number, SlotKind::client), (KeyedHash{5, ~std::uint64_t{5}}));
  EXPECT_EQ(store.hash_of(number, SlotKind::foreign_key), (KeyedHash{6, 7}));
}

}  // namespace
}  // namespace shearline::engine
