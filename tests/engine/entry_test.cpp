#include "engine/judge.hpp"
#include "tests/engine/world.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace shearline::engine {
namespace {

std::array<Byte, 32> digest_with(std::size_t position, Byte value) {
  std::array<Byte, 32> digest{};
  digest[position] = value;
  return digest;
}

// One check, by every way there is.
Finding judge(const Entry& entry, const PresentedDigest& first, const PresentedDigest& second, TimeMs now,
              TimeMs heard_at_ms) {
  const std::array entries{&entry};
  const std::vector<Staleness> stalenesses(View::partitions_max, staleness_of(heard_at_ms, now));
  const auto by = [&](auto compare_somehow, auto conclude_somehow) {
    Likeness under_first = 0;
    Likeness under_second = 0;
    EXPECT_EQ(compare_somehow(Presented{entries, &entry.client, &first}, now, &under_first), 1U);
    EXPECT_EQ(compare_somehow(Presented{entries, &entry.client, &second}, now, &under_second), 1U);
    Finding finding;
    conclude_somehow(Compared{entries, &under_first, &under_second, stalenesses.data()}, &finding);
    return finding;
  };
  const Finding finding = by(detail::compare_portable, detail::conclude_portable);
  const Finding as_here = by(compare, conclude);
  EXPECT_EQ(as_here.outcome, finding.outcome);
  EXPECT_EQ(as_here.version, finding.version);
  return finding;
}

Finding judge_under_one(const Entry& entry, const PresentedDigest& digest) {
  return judge(entry, digest, digest, World::now, World::now);
}

TEST(Entry, EmptyPlacesMatchNothingNotEvenZeros) {
  const Entry entry;
  EXPECT_EQ(judge_under_one(entry, digest_with(0, 0)).outcome, Outcome::mismatch);
}

TEST(Entry, EveryByteOfAShortDigestCounts) {
  Entry entry;
  entry.standing.in_use = 0b010;
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
    entry.standing.in_use = static_cast<std::uint8_t>(1U << place);
    entry.digests[place] = shortened(digest_with(7, 7));
    entry.not_after_ms[place] = World::now + 1;
    entry.standing.roles[place] = Outcome::grace;
    const Finding finding = judge_under_one(entry, digest_with(7, 7));
    EXPECT_EQ(finding.outcome, Outcome::grace);
    EXPECT_EQ(finding.version, place);
  }
}

TEST(Entry, APlaceIsComparedUnderItsOwnPepperOnly) {
  Entry entry;
  entry.standing.in_use = 0b011;
  entry.standing.under_second = 0b010;
  entry.not_after_ms = {time_never, time_never, 0};
  entry.digests[0] = shortened(digest_with(7, 1));
  entry.digests[1] = shortened(digest_with(7, 2));
  const auto one = digest_with(7, 1);
  const auto two = digest_with(7, 2);
  EXPECT_EQ(judge(entry, one, two, World::now, World::now).version, 0);
  EXPECT_EQ(judge(entry, digest_with(0, 9), two, World::now, World::now).version, 1);
  EXPECT_EQ(judge(entry, two, one, World::now, World::now).outcome, Outcome::mismatch);
}

TEST(Entry, ADeadDigestIsRecognisedUnderItsOwnPepperOnly) {
  Entry entry;
  entry.standing.in_use = 0b10000000;
  entry.standing.under_second = 0b10000000;
  entry.dead_prefixes[3] = prefix_of(digest_with(7, 1));
  const auto dead = digest_with(7, 1);
  const auto other = digest_with(7, 2);
  EXPECT_EQ(judge(entry, other, dead, World::now, World::now).outcome, Outcome::retired);
  EXPECT_EQ(judge(entry, dead, other, World::now, World::now).outcome, Outcome::mismatch);
}

// Whatever an entry says and whatever is like it; also where only some of eight are wanted.
TEST(Judging, OfManyAtOnceIsAsOfOne) {
  SeededRandom random(5);
  std::vector<Entry> entries(64);
  std::vector<const Entry*> asked;
  std::vector<Staleness> stalenesses;
  const std::array<TimeMs, 4> times{0, World::now - 1, World::now, time_never};
  const auto any_time = [&] { return times[random.next_u64() % times.size()]; };
  for (std::size_t i = 0; i < View::partitions_max; ++i)
    stalenesses.push_back({any_time(), random.next_u64() % 2});
  for (int round = 0; round < 2'000; ++round) {
    std::array<Likeness, 64> first{};
    std::array<Likeness, 64> second{};
    asked.clear();
    const std::size_t count = random.next_u64() % 65;
    for (std::size_t i = 0; i < count; ++i) {
      Entry& entry = entries[i];
      for (TimeMs& end : entry.not_after_ms) end = any_time();
      random.fill({&entry.standing.in_use, 3});
      entry.standing.suspended = random.next_u64() % 2;
      entry.standing.strict_when_stale = random.next_u64() % 2;
      entry.standing.has_foreign_key = random.next_u64() % 2;
      entry.standing.roles = {Outcome::current, Outcome::grace, Outcome::next};
      entry.standing.partition = static_cast<std::uint8_t>(random.next_u64() % View::partitions_max);
      first[i] = static_cast<Likeness>(random.next_u64() % (1U << (same_client_at + 1)));
      second[i] = static_cast<Likeness>(random.next_u64() % (1U << (same_client_at + 1)));
      asked.push_back(&entry);
    }
    std::array<Finding, 64> expected;
    std::array<Finding, 64> seen;
    detail::conclude_portable({asked, first.data(), second.data(), stalenesses.data()}, expected.data());
    conclude({asked, first.data(), second.data(), stalenesses.data()}, seen.data());
    for (std::size_t i = 0; i < asked.size(); ++i) {
      ASSERT_EQ(seen[i].outcome, expected[i].outcome) << i;
      ASSERT_EQ(seen[i].version, expected[i].version) << i;
    }
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
