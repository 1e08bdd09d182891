#include "engine/lanes.hpp"

#include "base/secret.hpp"
#include "engine/lanes_kernels.hpp"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace shearline::engine::lanes {
namespace {

constexpr ChainingValue initial_value = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

#if defined(__x86_64__)
bool has_sha_ni() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("sse4.1") &&
         __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_SHA) != 0;
}

// The builtin also asks whether the system saves the wide registers.
bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("bmi2");
}

std::vector<Kernel> kernels_here() {
  std::vector<Kernel> here;
  if (has_avx512()) here.push_back(Kernel::avx512);
  if (has_sha_ni()) here.push_back(Kernel::sha_ni);
  if (__builtin_cpu_supports("avx2")) here.push_back(Kernel::avx2);
  here.push_back(Kernel::portable);
  return here;
}

const detail::Functions& functions_of(Kernel kernel) {
  switch (kernel) {
    case Kernel::avx512:
      return detail::avx512;
    case Kernel::avx2:
      return detail::avx2;
    case Kernel::sha_ni:
      return detail::sha_ni;
    case Kernel::armv8:
    case Kernel::portable:
      break;
  }
  return detail::portable;
}
#elif defined(__aarch64__)
std::vector<Kernel> kernels_here() {
  if ((getauxval(AT_HWCAP) & HWCAP_SHA2) != 0) return {Kernel::armv8, Kernel::portable};
  return {Kernel::portable};
}

const detail::Functions& functions_of(Kernel kernel) {
  return kernel == Kernel::armv8 ? detail::armv8 : detail::portable;
}
#else
std::vector<Kernel> kernels_here() { return {Kernel::portable}; }
const detail::Functions& functions_of(Kernel) { return detail::portable; }
#endif

// Which kernels hmac(jobs) uses, and when.
struct Plan {
  Kernel many;
  Kernel few;  // the same as `many` where only one kernel is used
};

// Two groups of sixteen lanes are the AVX-512 kernel's full set, one of them half of it. What is left over
// behind full sets goes to pairs of SHA-NI streams until a set that is not full overtakes them. Measured by
// lanes_bench on a Zen 5: 44 ns a job on SHA-NI, 375 ns half a set, 620 ns a full one.
constexpr std::size_t full_set = 32;
constexpr std::size_t half_set = 16;
constexpr std::size_t half_set_from = 9;
constexpr std::size_t full_set_from = 22;

// Of fewer jobs than a full set, how many are worth lanes.
constexpr std::size_t jobs_for_lanes(std::size_t rest) {
  if (rest >= full_set_from) return rest;
  if (rest >= half_set_from) return std::min(rest, half_set);
  return 0;
}

std::optional<Kernel> read_forced_kernel() {
  const char* const name = std::getenv(kernel_variable);
  if (name == nullptr || *name == 0) return std::nullopt;
  std::string known;
  for (const Kernel kernel : kernels()) {
    if (name_of(kernel) == name) return kernel;
    known += ' ';
    known += name_of(kernel);
  }
  throw std::invalid_argument(std::string(kernel_variable) + " is '" + name +
                              "'; this processor has:" + known);
}

Plan make_plan() {
  if (const std::optional<Kernel> forced = forced_kernel()) return {*forced, *forced};
  const std::span<const Kernel> here = kernels();
  const bool has_both = here.size() > 1 && here[0] == Kernel::avx512 && here[1] == Kernel::sha_ni;
  return {here[0], has_both ? here[1] : here[0]};
}

const Plan& plan() {
  static const Plan made = make_plan();
  return made;
}

bool is_one_block(const Job& job) { return job.message_bytes <= one_block_message_bytes_max; }

// Hash is a member of detail::Functions.
using Hash = void (*detail::Functions::*)(const Job*, std::size_t);

void run(Kernel kernel, Hash hash, std::span<const Job> jobs) {
  if (!jobs.empty()) (functions_of(kernel).*hash)(jobs.data(), jobs.size());
}

void run(const Plan& by, Hash hash, std::span<const Job> jobs) {
  const std::size_t rest = jobs.size() % full_set;
  const std::size_t many = by.many == by.few ? jobs.size() : jobs.size() - rest + jobs_for_lanes(rest);
  run(by.many, hash, jobs.first(many));
  run(by.few, hash, jobs.subspan(many));
}

// Jobs that are sorted apart at a time, on the stack.
constexpr std::size_t mixed_jobs = 128;

// Messages of one block keep their own way when longer ones are among them.
template <class By>
void run_mixed(const By& by, std::span<const Job> jobs) {
  std::array<Job, mixed_jobs> apart;
  const auto middle =
      std::partition_copy(jobs.begin(), jobs.end(), apart.begin(), apart.rbegin(), is_one_block);
  const auto shorter = static_cast<std::size_t>(middle.first - apart.begin());
  const auto one_block = std::span(apart).first(shorter);
  const auto longer = std::span(apart).last(jobs.size() - shorter);
  std::ranges::sort(longer, {}, &Job::message_bytes);
  run(by, &detail::Functions::one_block, one_block);
  run(by, &detail::Functions::any_length, longer);
}

template <class By>
void run_all(const By& by, std::span<const Job> jobs) {
  if (std::ranges::all_of(jobs, is_one_block)) return run(by, &detail::Functions::one_block, jobs);
  while (!jobs.empty()) {
    const std::size_t now = std::min(mixed_jobs, jobs.size());
    run_mixed(by, jobs.first(now));
    jobs = jobs.subspan(now);
  }
}

}  // namespace

Midstates::~Midstates() {
  wipe({reinterpret_cast<Byte*>(inner.data()), sizeof inner});
  wipe({reinterpret_cast<Byte*>(outer.data()), sizeof outer});
}

std::string_view name_of(Kernel kernel) {
  switch (kernel) {
    case Kernel::avx512:
      return "avx512";
    case Kernel::avx2:
      return "avx2";
    case Kernel::sha_ni:
      return "sha_ni";
    case Kernel::armv8:
      return "armv8";
    case Kernel::portable:
      break;
  }
  return "portable";
}

std::span<const Kernel> kernels() {
  static const std::vector<Kernel> here = kernels_here();
  return here;
}

std::optional<Kernel> forced_kernel() {
  static const std::optional<Kernel> forced = read_forced_kernel();
  return forced;
}

Kernel kernel_for(std::size_t jobs) {
  return jobs < full_set && jobs_for_lanes(jobs) == 0 ? plan().few : plan().many;
}

void hmac(std::span<const Job> jobs) { run_all(plan(), jobs); }
void hmac(Kernel kernel, std::span<const Job> jobs) { run_all(kernel, jobs); }

ChainingValue after_block(Block block) {
  ChainingValue state = initial_value;
  functions_of(plan().few).compress(state.data(), block.data());
  return state;
}

}  // namespace shearline::engine::lanes
