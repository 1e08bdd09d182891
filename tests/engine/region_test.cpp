#include "engine/region.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <fstream>
#include <new>
#include <string>
#include <thread>

namespace shearline::engine {
namespace {

constexpr std::size_t mib = std::size_t{1} << 20;
constexpr std::size_t page_bytes = 4096;

bool is_zero(const Region& region, std::size_t begin, std::size_t end) {
  return std::all_of(region.data() + begin, region.data() + end, [](Byte byte) { return byte == 0; });
}

bool is_resident(Byte* page) {
  unsigned char resident = 0;
  return mincore(page, page_bytes, &resident) == 0 && (resident & 1) != 0;
}

std::atomic_ref<std::uint64_t> word_at(const Region& region, std::size_t at) {
  return std::atomic_ref(*reinterpret_cast<std::uint64_t*>(region.data() + at));
}

TEST(Region, IsZeroedAndUsableToItsEnd) {
  const Region region(3 * mib);
  EXPECT_GE(region.size(), 3 * mib);
  EXPECT_TRUE(is_zero(region, 0, region.size()));
  region.data()[region.size() - 1] = 1;
  EXPECT_EQ(region.data()[region.size() - 1], 1);
}

TEST(Region, GrowsInItsPlaceAndKeepsWhatIsThere) {
  Region region(0, 64 * mib);
  EXPECT_EQ(region.size(), 0U);
  const Byte* const place = region.data();
  for (std::size_t bytes = mib; bytes <= 64 * mib; bytes *= 2) {
    region.grow_to(bytes);
    EXPECT_EQ(region.data(), place);
    ASSERT_GE(region.size(), bytes);
    EXPECT_EQ(region.data()[0], bytes == mib ? 0 : 7);
    region.data()[0] = 7;
    region.data()[bytes - 1] = 7;
  }
}

TEST(Region, GrowsNoFurtherThanItReserved) {
  Region region(mib, 4 * mib);
  EXPECT_THROW(region.grow_to(4 * mib + 1), std::bad_alloc);
  region.grow_to(4 * mib);
  EXPECT_EQ(region.size(), 4 * mib);
}

TEST(Region, OfNothingHasNoMemory) { EXPECT_EQ(Region(0).size(), 0U); }

TEST(Region, WhatIsNextIsThereBeforeItIsNeeded) {
  Region region(0, 64 * mib);
  region.grow_to(8 * mib);
  while (!is_resident(region.data() + 12 * mib - page_bytes)) std::this_thread::yield();
  region.grow_to(8 * mib + 1);
  EXPECT_EQ(region.size(), 12 * mib);
  EXPECT_TRUE(is_zero(region, 0, region.size()));
}

TEST(Region, ASmallOneHasNothingAhead) {
  Region region(0, 64 * mib);
  region.grow_to(4 * mib);
  region.grow_to(4 * mib + 1);
  EXPECT_EQ(region.size(), 6 * mib);
}

TEST(Region, GrowsAheadNoFurtherThanItReserved) {
  Region region(0, 19 * mib);
  for (std::size_t bytes = mib; bytes <= 19 * mib; bytes += mib) region.grow_to(bytes);
  EXPECT_EQ(region.size(), 19 * mib);
  region.data()[region.size() - 1] = 1;
  EXPECT_THROW(region.grow_to(20 * mib), std::bad_alloc);
}

TEST(Region, WhatWasGivenBackWhileItGrewAheadIsZero) {
  Region region(0, 64 * mib);
  for (int i = 0; i < 3; ++i) {
    region.grow_to(16 * mib);
    EXPECT_TRUE(is_zero(region, 0, 16 * mib));
    std::fill_n(region.data(), region.size(), Byte{9});
    region.shrink_to(0);
  }
}

TEST(Region, IsPrefaultedBesideWhoeverUsesIt) {
  Region region(32 * mib);
  EXPECT_TRUE(region.is_prefaulted());  // nothing was asked for
  region.prefault();
  for (std::size_t at = 0; at < region.size(); at += page_bytes) word_at(region, at).fetch_add(at + 1);
  while (!region.is_prefaulted()) std::this_thread::yield();
  for (std::size_t at = 0; at < region.size(); at += page_bytes)
    ASSERT_EQ(word_at(region, at).load(), at + 1);
}

TEST(Region, EndsInTheMiddleOfPrefaulting) {
  for (int i = 0; i < 20; ++i) {
    Region region(16 * mib);
    region.prefault();
    Region growing(0, 64 * mib);
    growing.grow_to(8 * mib);
  }
}

TEST(Region, WhatWasGivenBackIsZeroWhenItIsUsedAgain) {
  Region region(4 * mib, 8 * mib);
  std::fill_n(region.data(), 4 * mib, Byte{9});
  region.shrink_to(mib);
  EXPECT_EQ(region.size(), mib);
  EXPECT_EQ(region.data()[mib - 1], 9);
  region.grow_to(4 * mib);
  EXPECT_TRUE(is_zero(region, mib, 4 * mib));
}

// By the kernel's word: "dd" among the flags of its mapping.
TEST(Region, IsInNoCoreDump) {
  const Region region(2 * mib);
  std::ifstream maps("/proc/self/smaps");
  const auto wanted = reinterpret_cast<std::uintptr_t>(region.data());
  bool is_inside = false;
  for (std::string line; std::getline(maps, line);) {
    std::size_t end_of_begin = 0;
    if (const std::size_t dash = line.find('-');
        dash != std::string::npos && line.find(':') > line.find(' ')) {
      const std::uintptr_t begin = std::stoull(line.substr(0, dash), &end_of_begin, 16);
      const std::uintptr_t end = std::stoull(line.substr(dash + 1), nullptr, 16);
      is_inside = begin <= wanted && wanted < end;
    }
    if (is_inside && line.starts_with("VmFlags:")) {
      EXPECT_NE(line.find(" dd"), std::string::npos) << line;
      return;
    }
  }
  FAIL() << "the kernel names no mapping of the region";
}

}  // namespace
}  // namespace shearline::engine
