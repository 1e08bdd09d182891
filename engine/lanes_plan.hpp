// Which kernel hashes how many of a call's jobs: settled once by what the processor has, and then by the number of jobs
// alone. Used by lanes.cpp, which has the kernels. Pure, so that tests ask it about processors they do not run on.
#pragma once

#include "engine/lanes.hpp"

#include <cstddef>
#include <vector>

namespace shearline::engine::lanes {

// What a processor has, as far as our kernels need it.
struct Features {
  bool avx512 = false;
  bool avx2 = false;
  bool sha_ni = false;
  bool armv8_sha2 = false;
};
std::vector<Kernel> kernels_of(
    const Features& features);  // the fastest for many jobs first; portable is the last

// How the kernel for many jobs wants them. Its full set takes the same time however few jobs are in it, and so does
// half of one where it has that; powers of two.
struct Sets {
  std::size_t full = 1;
  std::size_t half = 1;
  // Of jobs behind the last full set: from so many on the kernel for many is the faster one.
  std::size_t half_from = 1;
  std::size_t full_from = 1;

  // Of a call's jobs, how many the kernel for many takes; the others are the kernel for few's.
  constexpr std::size_t for_many(std::size_t jobs) const {
    const std::size_t rest = jobs & (full - 1);
    if (rest >= full_from) return jobs;
    if (rest >= half_from) return jobs - rest + (rest < half ? rest : half);
    return jobs - rest;
  }
};

struct Plan {
  Kernel many = Kernel::portable;
  Kernel few = Kernel::portable;
  Sets one_block;   // of messages that fit one block
  Sets any_length;  // of others, sorted by length
};
Plan plan_of(const Features& features);
constexpr Plan only(Kernel kernel) { return {kernel, kernel, {}, {}}; }
// As hmac(jobs) would on the plan's processor; its kernels must be here. For tests and benchmarks.
void hmac(const Plan& plan, std::span<const Job> jobs);

}  // namespace shearline::engine::lanes
