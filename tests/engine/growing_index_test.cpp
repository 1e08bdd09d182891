#include "engine/growing_index.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace shearline::engine {
namespace {

// Scattered as a keyed hash would scatter them.
KeyedHash hash_of(std::uint64_t n) { return {n * 0x9e3779b97f4a7c15ULL, (n + 1) * 0xd1b54a32d192ed03ULL}; }

class Growing {
 public:
  std::uint32_t add(std::uint64_t n) {
    const std::uint32_t entry = entries.take();
    entries.writable_entry(entry).client = hash_of(n);
    index.point_at(SlotKind::client, hash_of(n), entry);
    return entry;
  }
  std::uint32_t add_foreign(std::uint64_t n) {
    const std::uint32_t entry = entries.take();
    entries.writable_entry(entry).standing.has_foreign_key = 1;
    auto extra = std::make_unique<EntryExtra>();
    extra->foreign_key = hash_of(n);
    entries.writable_side(entry).extra = std::move(extra);
    index.point_at(SlotKind::foreign_key, hash_of(n), entry);
    return entry;
  }
  // Adds from `n` on until the index begins to grow; how many there are then.
  std::uint64_t fill_until_it_grows(std::uint64_t n) {
    while (!index.is_growing()) add(n++);
    return n;
  }
  std::uint64_t fill_until_it_has_grown(std::uint64_t n) {
    while (index.is_growing()) add(n++);
    return n;
  }
  std::uint32_t found(std::uint64_t n) const {
    return index.find(index.shown(), SlotKind::client, hash_of(n)).entry;
  }

  EntryStore entries{false};
  Turns turns{1};
  GrowingIndex index{entries, turns, 700};
};

TEST(GrowingIndex, DoublesWhenThreeQuartersAreInUse) {
  Growing growing;
  std::uint64_t n = 0;
  for (std::size_t slots = 1024; slots <= 65'536; slots *= 2) {
    EXPECT_EQ(growing.index.shown().slots_count(), slots);
    n = growing.fill_until_it_grows(n);
    EXPECT_EQ(n, slots * 3 / 4 + 1);
    n = growing.fill_until_it_has_grown(n);
  }
}

TEST(GrowingIndex, HasGrownBeforeASixtyFourthMoreIsInUse) {
  Growing growing;
  const std::uint64_t begun = growing.fill_until_it_grows(0);
  const std::size_t slots = growing.index.shown().slots_count();
  EXPECT_LE(growing.fill_until_it_has_grown(begun), begun + slots / 64);
}

// With its memory still on its way the next index waits, but never so long that the shown one has no room.
TEST(GrowingIndex, HasGrownInTimeHoweverLongItsMemoryTakes) {
  Growing growing;
  std::uint64_t n = 0;
  while (growing.index.shown().slots_count() < 1 << 19) {
    const std::size_t slots = growing.index.shown().slots_count();
    n = growing.fill_until_it_has_grown(growing.fill_until_it_grows(n));
    EXPECT_EQ(growing.index.shown().slots_count(), slots * 2);
    EXPECT_LE(n, slots * 13 / 16 + slots / 64 + 1);
  }
  for (std::uint64_t each = 0; each < n; ++each) ASSERT_NE(growing.found(each), no_entry);
}

TEST(GrowingIndex, ReadersAreShownTheOldOneUntilTheNextHasAll) {
  Growing growing;
  const Index* const first = &growing.index.shown();
  std::uint64_t n = growing.fill_until_it_grows(0);
  for (; growing.index.is_growing(); ++n) {
    EXPECT_EQ(&growing.index.shown(), first);
    for (std::uint64_t each = 0; each < n; ++each) ASSERT_NE(growing.found(each), no_entry);
    growing.add(n);
  }
  EXPECT_NE(&growing.index.shown(), first);
  for (std::uint64_t each = 0; each < n; ++each) ASSERT_NE(growing.found(each), no_entry);
}

// Of everything there, some is copied already and some is not: wherever a change falls, it outlives the growth.
TEST(GrowingIndex, WhatChangesWhileItGrowsIsRightAfterwards) {
  Growing growing;
  const std::uint64_t n = growing.fill_until_it_grows(0);
  for (int i = 0; i < 8; ++i) growing.add(n + static_cast<std::uint64_t>(i));
  ASSERT_TRUE(growing.index.is_growing());
  std::vector<std::uint32_t> newest;
  for (std::uint64_t each = 0; each < 4; ++each) newest.push_back(growing.add(each * 150));
  ASSERT_TRUE(growing.index.is_growing());
  growing.fill_until_it_has_grown(n + 8);
  for (std::uint64_t each = 0; each < 4; ++each) EXPECT_EQ(growing.found(each * 150), newest[each]);
  EXPECT_EQ(growing.found(1), 1U);
}

TEST(GrowingIndex, WhatIsForgottenWhileItGrowsStaysForgotten) {
  Growing growing;
  std::vector<std::uint32_t> foreign;
  for (std::uint64_t n = 0; n < 100; ++n) foreign.push_back(growing.add_foreign(1'000'000 + n));
  const std::uint64_t begun = growing.fill_until_it_grows(0);
  for (int i = 0; i < 8; ++i) growing.add(begun + static_cast<std::uint64_t>(i));
  ASSERT_TRUE(growing.index.is_growing());
  for (std::uint64_t n = 0; n < 50; ++n) {
    growing.index.forget(SlotKind::foreign_key, hash_of(1'000'000 + n), foreign[n]);
  }
  growing.fill_until_it_has_grown(begun + 8);
  for (std::uint64_t n = 0; n < 100; ++n) {
    EXPECT_EQ(growing.index.entry_of(SlotKind::foreign_key, hash_of(1'000'000 + n)),
              n < 50 ? no_entry : foreign[n]);
  }
}

TEST(GrowingIndex, ForgettingWhatAnotherTookOverChangesNothing) {
  Growing growing;
  const std::uint32_t first = growing.add_foreign(1);
  const std::uint32_t second = growing.add_foreign(1);
  growing.index.forget(SlotKind::foreign_key, hash_of(1), first);
  EXPECT_EQ(growing.index.entry_of(SlotKind::foreign_key, hash_of(1)), second);
}

TEST(GrowingIndex, StaysAsItIsWhenMostSlotsHoldOnlyWhatWasRemoved) {
  Growing growing;
  for (std::uint64_t n = 0; n < 5000; ++n) {
    const std::uint32_t entry = growing.add_foreign(n);
    growing.index.forget(SlotKind::foreign_key, hash_of(n), entry);
  }
  EXPECT_EQ(growing.index.shown().slots_count(), 1024U);
}

TEST(GrowingIndex, AReaderKeepsWhatItWasShownUntilItsTurnEnds) {
  Growing growing;
  growing.turns.enter(0);
  const Index& shown = growing.index.shown();
  growing.fill_until_it_has_grown(growing.fill_until_it_grows(0));
  const auto reclaim = [&] {
    growing.turns.close();
    growing.index.reclaim(growing.turns.oldest());
  };
  for (int i = 0; i < 10; ++i) reclaim();
  EXPECT_EQ(growing.index.find(shown, SlotKind::client, hash_of(0)).entry, 0U);
  EXPECT_TRUE(growing.index.has_outgrown());
  growing.turns.leave(0);
  reclaim();
  EXPECT_FALSE(growing.index.has_outgrown());
}

}  // namespace
}  // namespace shearline::engine
