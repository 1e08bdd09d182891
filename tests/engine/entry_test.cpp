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

TEST(Entry, EmptyPlacesMatchNothingNotEvenZeros) {
  const Entry entry;
  EXPECT_EQ(judge(entry, digest_with(0, 0), World::now, World::now).outcome, Outcome::mismatch);
}

TEST(Entry, EveryByteOfAShortDigestCounts) {
  Entry entry;
  entry.accepted_mask = 0b010;
  entry.not_after_ms[1] = time_never;
  EXPECT_EQ(judge(entry, digest_with(0, 0), World::now, World::now).outcome, Outcome::current);
  for (std::size_t position = 0; position < 16; ++position) {
    for (const Byte bit : {Byte{0x01}, Byte{0x80}}) {
      const auto almost = digest_with(position, bit);
      EXPECT_EQ(judge(entry, almost, World::now, World::now).outcome, Outcome::mismatch) << position;
    }
  }
}

TEST(Entry, EveryPlaceForAVersionIsCompared) {
  for (std::uint8_t place = 0; place < accepting_versions_max; ++place) {
    Entry entry;
    entry.accepted_mask = static_cast<std::uint8_t>(1U << place);
    entry.digests[place] = shortened(digest_with(7, 7));
    entry.not_after_ms[place] = World::now + 1;
    entry.roles[place] = Outcome::grace;
    const Finding finding = judge(entry, digest_with(7, 7), World::now, World::now);
    EXPECT_EQ(finding.outcome, Outcome::grace);
    EXPECT_EQ(finding.version, place);
  }
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
