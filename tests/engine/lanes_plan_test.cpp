#include "engine/lanes_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace shearline::engine::lanes {
namespace {

constexpr Features avx512_and_sha_ni{.avx512 = true, .avx2 = true, .sha_ni = true};
constexpr Features avx512_alone{.avx512 = true, .avx2 = true};
constexpr Features avx2_and_sha_ni{.avx2 = true, .sha_ni = true};
constexpr Features avx2_alone{.avx2 = true};
constexpr Features sha_ni_alone{.sha_ni = true};
constexpr Features armv8{.armv8_sha2 = true};
constexpr Features nothing{};

// So many jobs go to the kernel for many, the others to the kernel for few: "16 avx512, 5 sha_ni".
std::string shares(const Plan& plan, const Sets Plan::* sets, std::size_t jobs) {
  const std::size_t many = (plan.*sets).for_many(jobs);
  std::string out;
  const auto add = [&out](std::size_t count, Kernel kernel) {
    if (count == 0) return;
    out += (out.empty() ? "" : ", ") + std::to_string(count) + " " + std::string(name_of(kernel));
  };
  add(many, plan.many);
  add(jobs - many, plan.few);
  return out;
}

struct Expected {
  Features features;
  std::size_t jobs;
  std::string one_block;
  std::string any_length;
};

TEST(LanesPlan, SharesJobsByWhatTheProcessorHasAndHowManyThereAre) {
  const Expected table[] = {
      {avx512_and_sha_ni, 1, "1 sha_ni", "1 sha_ni"},
      {avx512_and_sha_ni, 8, "8 sha_ni", "8 sha_ni"},
      {avx512_and_sha_ni, 9, "9 avx512", "9 avx512"},
      {avx512_and_sha_ni, 16, "16 avx512", "16 avx512"},
      {avx512_and_sha_ni, 21, "16 avx512, 5 sha_ni", "16 avx512, 5 sha_ni"},
      {avx512_and_sha_ni, 22, "22 avx512", "16 avx512, 6 sha_ni"},
      {avx512_and_sha_ni, 32, "32 avx512", "32 avx512"},
      {avx512_and_sha_ni, 40, "32 avx512, 8 sha_ni", "32 avx512, 8 sha_ni"},
      {avx512_and_sha_ni, 64, "64 avx512", "64 avx512"},
      {avx512_alone, 1, "1 portable", "1 portable"},
      {avx512_alone, 2, "2 avx512", "2 avx512"},
      {avx512_alone, 16, "16 avx512", "16 avx512"},
      {avx512_alone, 17, "17 avx512", "16 avx512, 1 portable"},
      {avx512_alone, 33, "32 avx512, 1 portable", "32 avx512, 1 portable"},
      {avx2_and_sha_ni, 1, "1 sha_ni", "1 sha_ni"},
      {avx2_and_sha_ni, 64, "64 sha_ni", "64 sha_ni"},
      {avx2_alone, 1, "1 portable", "1 portable"},
      {avx2_alone, 2, "2 portable", "2 portable"},
      {avx2_alone, 3, "3 avx2", "3 avx2"},
      {avx2_alone, 8, "8 avx2", "8 avx2"},
      {avx2_alone, 10, "8 avx2, 2 portable", "8 avx2, 2 portable"},
      {avx2_alone, 11, "11 avx2", "11 avx2"},
      {sha_ni_alone, 17, "17 sha_ni", "17 sha_ni"},
      {armv8, 5, "5 armv8", "5 armv8"},
      {nothing, 64, "64 portable", "64 portable"},
  };
  for (const Expected& row : table) {
    const Plan plan = plan_of(row.features);
    EXPECT_EQ(shares(plan, &Plan::one_block, row.jobs), row.one_block);
    EXPECT_EQ(shares(plan, &Plan::any_length, row.jobs), row.any_length);
  }
}

TEST(LanesPlan, TakesOnlyKernelsThatTheProcessorHas) {
  for (unsigned bits = 0; bits < 16; ++bits) {
    const Features features{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0};
    const std::vector<Kernel> here = kernels_of(features);
    const Plan plan = plan_of(features);
    EXPECT_EQ(plan.many, here.front());
    EXPECT_EQ(std::ranges::count(here, plan.few), 1);
    EXPECT_EQ(here.back(), Kernel::portable);
  }
}

TEST(LanesPlan, NeverTakesMoreJobsThanThereAreNorLeavesAWholeSet) {
  for (const Features& features : {avx512_and_sha_ni, avx512_alone, avx2_alone, sha_ni_alone, nothing}) {
    const Plan plan = plan_of(features);
    for (const Sets& sets : {plan.one_block, plan.any_length}) {
      for (std::size_t jobs = 0; jobs <= 200; ++jobs) {
        EXPECT_LE(sets.for_many(jobs), jobs);
        EXPECT_LT(jobs - sets.for_many(jobs), sets.full);
      }
    }
  }
}

TEST(LanesPlan, AForcedKernelTakesAll) {
  for (std::size_t jobs = 0; jobs <= 64; ++jobs) EXPECT_EQ(only(Kernel::avx2).one_block.for_many(jobs), jobs);
}

}  // namespace
}  // namespace shearline::engine::lanes
