#include "engine/entry.hpp"

#include "tests/engine/world.hpp"

#include <gtest/gtest.h>

namespace shearline::engine {
namespace {

std::array<Byte, 32> digest_with(std::size_t position, Byte value) {
  std::array<Byte, 32> digest{};
  digest[position] = value;
  return digest;
}

Finding judge_under_one(const Entry& entry, const std::array<Byte, 32>& digest) {
  return judge(entry, {digest, digest}, World::now, World::now);
}

TEST(Entry, EmptyPlacesMatchNothingNotEvenZeros) {
  const Entry entry;
  EXPECT_EQ(judge_under_one(entry, digest_with(0, 0)).outcome, Outcome::mismatch);
}

TEST(Entry, EveryByteOfAShortDigestCounts) {
  Entry entry;
  entry.accepted_mask = 0b010;
  entry.not_after_ms[1] = time_never;
  EXPECT_EQ(judge_under_one(entry, digest_with(0, 0)).outcome, Outcome::current);
  for (std::size_t position = 0; position < 16; ++position) {
    for (const Byte bit : {Byte{0x01}, Byte{0x80}}) {
      const auto almost = digest_with(position, bit);
      EXPECT_EQ(judge_under_one(entry, almost).outcome, Outcome::mismatch) << position;
    }
  }
}

TEST(Entry, EveryPlaceForAVersionIsCompared) {
  for (std::uint8_t place = 0; place < accepting_versions_max; ++place) {
    Entry entry;
    entry.accepted_mask = 1U << place & 0xfU;
    entry.digests[place] = shortened(digest_with(7, 7));
    entry.not_after_ms[place] = World::now + 1;
    entry.roles[place] = Outcome::grace;
    const Finding finding = judge_under_one(entry, digest_with(7, 7));
    EXPECT_EQ(finding.outcome, Outcome::grace);
    EXPECT_EQ(finding.version, place);
  }
}

TEST(Entry, APlaceIsComparedUnderItsOwnPepperOnly) {
  Entry entry;
  entry.accepted_mask = 0b011;
  entry.accepted_under_second = 0b010;
  entry.not_after_ms = {time_never, time_never, 0};
  entry.digests[0] = shortened(digest_with(7, 1));
  entry.digests[1] = shortened(digest_with(7, 2));
  const auto one = digest_with(7, 1);
  const auto two = digest_with(7, 2);
  EXPECT_EQ(judge(entry, {one, two}, World::now, World::now).version, 0);
  EXPECT_EQ(judge(entry, {digest_with(0, 9), two}, World::now, World::now).version, 1);
  EXPECT_EQ(judge(entry, {two, one}, World::now, World::now).outcome, Outcome::mismatch);
}

TEST(Entry, ADeadDigestIsRecognisedUnderItsOwnPepperOnly) {
  Entry entry;
  entry.dead_mask = 0b1000;
  entry.dead_under_second = 0b1000;
  entry.dead_prefixes[3] = prefix_of(digest_with(7, 1));
  const auto dead = digest_with(7, 1);
  const auto other = digest_with(7, 2);
  EXPECT_EQ(judge(entry, {other, dead}, World::now, World::now).outcome, Outcome::retired);
  EXPECT_EQ(judge(entry, {dead, other}, World::now, World::now).outcome, Outcome::mismatch);
}

TEST(Entry, IsErasedWhenItsMemoryIsGivenBack) {
  alignas(Entry) std::array<Byte, sizeof(Entry)> memory;
  auto* entry = std::construct_at(reinterpret_cast<Entry*>(memory.data()));
  entry->midstates.inner.fill(0xa5a5a5a5);
  entry->midstates.outer.fill(0xa5a5a5a5);
  for (ShortDigest& digest : entry->digests)
    std::memset(digest.writable().data(), 0xa5, digest.writable().size());
  std::destroy_at(entry);
  EXPECT_EQ(std::count(memory.begin(), memory.end(), 0xa5), 0);
}

}  // namespace
}  // namespace shearline::engine
