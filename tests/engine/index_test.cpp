#include "engine/index.hpp"

#include <gtest/gtest.h>

#include <set>

namespace shearline::engine {
namespace {

// All of them begin probing at the same slot.
KeyedHash at_home(std::uint64_t high) { return {5, high << 40}; }

TEST(Index, FindsEachOfManyThatStartAtTheSameSlot) {
  Index index(100);
  for (std::uint32_t n = 0; n < 90; ++n) index.insert(SlotKind::client, at_home(n), n);
  for (std::uint32_t n = 0; n < 90; ++n) EXPECT_EQ(index.first(SlotKind::client, at_home(n)).entry, n);
  EXPECT_EQ(index.first(SlotKind::client, at_home(90)).entry, no_entry);
}

TEST(Index, ProbingGoesRoundTheEnd) {
  Index index(10);
  const KeyedHash last{UINT64_MAX, 1ULL << 40};
  const KeyedHash also_last{UINT64_MAX, 2ULL << 40};
  index.insert(SlotKind::client, last, 1);
  index.insert(SlotKind::client, also_last, 2);
  EXPECT_EQ(index.first(SlotKind::client, also_last).entry, 2U);
}

TEST(Index, SlotsThatLookAlikeAreOfferedOneAfterAnother) {
  Index index(10);
  const KeyedHash one{5, 0};
  const KeyedHash twin{5, 1};  // differs only in bits the slot does not hold
  index.insert(SlotKind::client, one, 1);
  index.insert(SlotKind::client, twin, 2);
  const Index::Probe first = index.first(SlotKind::client, twin);
  const Index::Probe second = index.next(SlotKind::client, twin, first);
  EXPECT_EQ((std::set{first.entry, second.entry}), (std::set<std::uint32_t>{1, 2}));
  EXPECT_EQ(index.next(SlotKind::client, twin, second).entry, no_entry);
}

TEST(Index, ClientIsNotFoundAsForeignKey) {
  Index index(10);
  index.insert(SlotKind::client, at_home(1), 1);
  EXPECT_EQ(index.first(SlotKind::foreign_key, at_home(1)).entry, no_entry);
}

TEST(Index, RemovedSlotDoesNotHideThoseBehindIt) {
  Index index(10);
  index.insert(SlotKind::client, at_home(1), 1);
  index.insert(SlotKind::client, at_home(2), 2);
  index.remove(index.first(SlotKind::client, at_home(1)).position);
  EXPECT_EQ(index.first(SlotKind::client, at_home(1)).entry, no_entry);
  EXPECT_EQ(index.first(SlotKind::client, at_home(2)).entry, 2U);
  EXPECT_EQ(index.in_use(), 1U);
}

TEST(Index, ReplacingSwapsTheEntryInItsPlace) {
  Index index(10);
  index.insert(SlotKind::client, at_home(1), 1);
  index.replace(index.first(SlotKind::client, at_home(1)).position, 7);
  EXPECT_EQ(index.first(SlotKind::client, at_home(1)).entry, 7U);
  EXPECT_EQ(index.in_use(), 1U);
}

TEST(Index, KeepsAQuarterFreeSoThatProbingEnds) {
  Index index(10);
  std::uint32_t n = 0;
  while (index.has_room()) {
    index.insert(SlotKind::client, at_home(n), n);
    ++n;
  }
  EXPECT_EQ(n, 48U);  // of 64
  EXPECT_EQ(index.first(SlotKind::client, at_home(n)).entry, no_entry);
}

TEST(Index, HasAsFewSlotsAsHaveRoomForWhatIsWanted) {
  constexpr std::size_t wanted_and_slots[][2] = {
      {0, 64}, {48, 64}, {49, 128}, {768, 1024}, {769, 2048}, {1024, 2048}, {12'582'912, 16'777'216}};
  for (const auto& [wanted, slots] : wanted_and_slots)
    EXPECT_EQ(Index(wanted).slots_count(), slots) << wanted;
}

TEST(Index, GivesItsMemoryBackPieceByPiece) {
  Index index(500'000);  // eight MiB
  int pieces = 1;
  while (index.release_some()) ++pieces;
  EXPECT_EQ(pieces, 4);
}

}  // namespace
}  // namespace shearline::engine
