#include "engine/index.hpp"

#include "base/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>
#include <vector>

namespace shearline::engine {
namespace {

// All of them begin probing at the same slot.
KeyedHash at_home(std::uint64_t high) { return {5, high << 40}; }

std::uint32_t found(const Index& index, SlotKind kind, KeyedHash hash) {
  return index.find(kind, hash, [](std::uint32_t) { return true; }).entry;
}
std::size_t position_of(const Index& index, KeyedHash hash) {
  return index.find(SlotKind::client, hash, [](std::uint32_t) { return true; }).position;
}

TEST(Index, FindsEachOfManyThatStartAtTheSameSlot) {
  Index index(100);
  for (std::uint32_t n = 0; n < 90; ++n) index.insert(SlotKind::client, at_home(n), n);
  for (std::uint32_t n = 0; n < 90; ++n) EXPECT_EQ(found(index, SlotKind::client, at_home(n)), n);
  EXPECT_EQ(found(index, SlotKind::client, at_home(90)), no_entry);
}

TEST(Index, ProbingGoesRoundTheEnd) {
  Index index(10);
  const KeyedHash last{UINT64_MAX, 1ULL << 40};
  const KeyedHash also_last{UINT64_MAX, 2ULL << 40};
  index.insert(SlotKind::client, last, 1);
  index.insert(SlotKind::client, also_last, 2);
  EXPECT_EQ(found(index, SlotKind::client, also_last), 2U);
}

TEST(Index, SlotsThatLookAlikeAreOfferedOneAfterAnother) {
  Index index(10);
  const KeyedHash one{5, 0};
  const KeyedHash twin{5, 1};  // differs only in bits the slot does not hold
  index.insert(SlotKind::client, one, 1);
  index.insert(SlotKind::client, twin, 2);
  std::set<std::uint32_t> offered;
  const auto refuse = [&](std::uint32_t entry) {
    offered.insert(entry);
    return false;
  };
  EXPECT_EQ(index.find(SlotKind::client, twin, refuse).entry, no_entry);
  EXPECT_EQ(offered, (std::set<std::uint32_t>{1, 2}));
}

TEST(Index, ClientIsNotFoundAsForeignKey) {
  Index index(10);
  index.insert(SlotKind::client, at_home(1), 1);
  EXPECT_EQ(found(index, SlotKind::foreign_key, at_home(1)), no_entry);
}

TEST(Index, RemovedSlotDoesNotHideThoseBehindIt) {
  Index index(10);
  index.insert(SlotKind::client, at_home(1), 1);
  index.insert(SlotKind::client, at_home(2), 2);
  index.remove(position_of(index, at_home(1)));
  EXPECT_EQ(found(index, SlotKind::client, at_home(1)), no_entry);
  EXPECT_EQ(found(index, SlotKind::client, at_home(2)), 2U);
  EXPECT_EQ(index.in_use(), 1U);
}

TEST(Index, EndsLookingHoweverOftenSlotsWereRemoved) {
  Index index(48);
  SeededRandom random(3);
  for (int round = 0; round < 1'000; ++round) {
    std::vector<KeyedHash> hashes;
    for (std::uint32_t n = 0; n < 48; ++n) {
      hashes.push_back({random.next_u64(), random.next_u64()});
      index.insert(SlotKind::foreign_key, hashes.back(), n);
    }
    for (std::uint32_t n = 0; n < 48; ++n) {
      const auto there = index.find(SlotKind::foreign_key, hashes[n], [](std::uint32_t) { return true; });
      ASSERT_EQ(there.entry, n);
      index.remove(there.position);
    }
  }
  EXPECT_FALSE(index.has_room()) << "nothing says that a new one is due";
  EXPECT_EQ(found(index, SlotKind::client, at_home(1)), no_entry);
}

TEST(Index, ReplacingSwapsTheEntryInItsPlace) {
  Index index(10);
  index.insert(SlotKind::client, at_home(1), 1);
  index.replace(position_of(index, at_home(1)), 7);
  EXPECT_EQ(found(index, SlotKind::client, at_home(1)), 7U);
  EXPECT_EQ(index.in_use(), 1U);
}

TEST(Index, HasRoomForWhatIsWantedAndForNoMoreThanNeeded) {
  for (const std::size_t wanted : {48U, 49U, 96U, 97U, 384U}) {
    Index index(wanted);
    std::uint32_t n = 0;
    for (; index.has_room(); ++n) index.insert(SlotKind::client, {n, n}, n);
    EXPECT_GE(n, wanted);
    EXPECT_LT(n, 2 * wanted);
  }
}

TEST(Index, WhereAClientIsMissingANeighbourStandsIn) {
  constexpr std::uint32_t first = Index::nobodies;
  Index index(100);
  for (std::uint32_t n = 0; n < 3; ++n) index.insert(SlotKind::client, at_home(n), first + n);
  const KeyedHash elsewhere{64, 0};
  const std::array hashes{at_home(2), at_home(3), elsewhere};
  std::array<std::uint32_t, 3> entries{};
  EXPECT_EQ(index.look_up(SlotKind::client, hashes, entries.data()), 0b001U);
  EXPECT_EQ(entries[0], first + 2);
  EXPECT_GE(entries[1], first);
  EXPECT_LT(entries[1], first + 3);
  EXPECT_LT(entries[2], first);
}

TEST(Index, AnEmptyBucketHasItsNeighbourFromTheOneBesideIt) {
  constexpr std::uint32_t first = Index::nobodies;
  Index index(100);
  const auto neighbour_of = [&](KeyedHash hash) {
    std::uint32_t entry = 0;
    EXPECT_EQ(index.look_up(SlotKind::client, {&hash, 1}, &entry), 0U);
    return entry;
  };
  const KeyedHash here = at_home(1);
  const KeyedHash beside{8, 2ULL << 40};
  const std::size_t position = index.insert(SlotKind::client, here, first);
  EXPECT_EQ(neighbour_of(beside), first);
  index.replace(position, first + 1);
  EXPECT_EQ(neighbour_of(beside), first + 1);
  index.insert(SlotKind::client, beside, first + 2);
  index.remove(position);
  EXPECT_EQ(neighbour_of(here), first + 2);
  index.remove(position_of(index, beside));
  EXPECT_LT(neighbour_of(here), first);
  EXPECT_LT(neighbour_of(beside), first);
}

// An entry that no slot names any more is soon another's, or nobody's memory.
TEST(Index, ANeighbourIsAlwaysAnEntryThatASlotInUseNames) {
  constexpr std::uint32_t first = Index::nobodies;
  Index index(96);
  SeededRandom random(5);
  std::vector<std::pair<KeyedHash, std::uint32_t>> there;
  for (std::uint32_t step = 0; step < 20'000; ++step) {
    const std::uint32_t entry = first + step;
    const std::size_t which = there.empty() ? 0 : random.next_u64() % there.size();
    if (there.size() < 8 + step / 500 && index.has_room()) {
      there.emplace_back(KeyedHash{random.next_u64(), random.next_u64()}, entry);
      index.insert(SlotKind::client, there.back().first, entry);
    } else if (step % 2 == 0) {
      index.replace(position_of(index, there[which].first), entry);
      there[which].second = entry;
    } else {
      index.remove(position_of(index, there[which].first));
      there.erase(there.begin() + static_cast<std::ptrdiff_t>(which));
    }
    const KeyedHash anybody{random.next_u64(), random.next_u64()};
    std::uint32_t neighbour = 0;
    index.look_up(SlotKind::client, {&anybody, 1}, &neighbour);
    ASSERT_TRUE(neighbour < first || std::ranges::any_of(
                                         there, [&](const auto& each) { return each.second == neighbour; }))
        << step;
  }
}

TEST(Index, LooksForOneKindOnly) {
  Index index(10);
  index.insert(SlotKind::foreign_key, at_home(1), 70);
  const KeyedHash hash = at_home(1);
  std::uint32_t entry = 0;
  EXPECT_EQ(index.look_up(SlotKind::client, {&hash, 1}, &entry), 0U);
  EXPECT_EQ(index.look_up(SlotKind::foreign_key, {&hash, 1}, &entry), 1U);
  EXPECT_EQ(entry, 70U);
}

// Whatever stands there and in whatever order it came: one bucket full, the next, removed slots, other kinds.
TEST(Index, ManyAtOnceAreFoundAsOneByOne) {
  Index index(400);
  const auto hash_of = [](std::uint64_t n) { return KeyedHash{n % 5 * 8, n << 40}; };
  for (std::uint32_t n = 0; n < 60; ++n) {
    index.insert(n % 7 == 0 ? SlotKind::foreign_key : SlotKind::client, hash_of(n), n);
    if (n % 6 == 5) index.remove(position_of(index, hash_of(n - 1)));
  }
  for (std::uint64_t first = 0; first < 128; first += 64) {
    std::vector<KeyedHash> hashes;
    for (std::uint64_t n = first; n < first + 64; ++n) hashes.push_back(hash_of(n));
    std::vector<std::uint32_t> entries(hashes.size());
    const std::uint64_t alike = index.look_up(SlotKind::client, hashes, entries.data());
    for (std::size_t i = 0; i < hashes.size(); ++i) {
      const std::uint32_t expected = found(index, SlotKind::client, hashes[i]);
      EXPECT_EQ((alike >> i & 1) != 0, expected != no_entry) << first + i;
      if (expected != no_entry) {
        EXPECT_EQ(entries[i], expected);
      }
    }
  }
}

TEST(Index, KeepsAQuarterFreeSoThatProbingEnds) {
  Index index(10);
  std::uint32_t n = 0;
  while (index.has_room()) {
    index.insert(SlotKind::client, at_home(n), n);
    ++n;
  }
  EXPECT_EQ(n, 48U);  // of 64
  EXPECT_EQ(found(index, SlotKind::client, at_home(n)), no_entry);
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
