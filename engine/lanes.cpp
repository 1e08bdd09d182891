#include "engine/lanes.hpp"

#include "base/secret.hpp"
#include "engine/lanes_kernels.hpp"
#include "engine/lanes_plan.hpp"

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
         __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}

Features features_here() {
  return {.avx512 = has_avx512(), .avx2 = __builtin_cpu_supports("avx2") != 0, .sha_ni = has_sha_ni()};
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
Features features_here() { return {.armv8_sha2 = (getauxval(AT_HWCAP) & HWCAP_SHA2) != 0}; }

const detail::Functions& functions_of(Kernel kernel) {
  return kernel == Kernel::armv8 ? detail::armv8 : detail::portable;
}
#else
Features features_here() { return {}; }
const detail::Functions& functions_of(Kernel) { return detail::portable; }
#endif

std::optional<Kernel> read_forced_kernel() {
  const char* const name = std::getenv(kernel_variable);
  if (name == nullptr || *name == 0) return std::nullopt;
  const Result<Kernel> named = kernel_named(name);
  if (!named) throw std::invalid_argument(std::string(kernel_variable) + ": " + named.error().message);
  return *named;
}

const Plan& plan() {
  static const Plan made = forced_kernel() ? only(*forced_kernel()) : plan_of(features_here());
  return made;
}

bool is_one_block(const Job& job) { return job.message_bytes <= one_block_message_bytes_max; }

// One of a kernel's two functions, and where a plan says which kernel's.
struct Way {
  void (*detail::Functions::*hash)(const Job*, std::size_t);
  Sets Plan::* sets;
};
constexpr Way one_block{&detail::Functions::one_block, &Plan::one_block};
constexpr Way any_length{&detail::Functions::any_length, &Plan::any_length};

void run_on(Kernel kernel, const Way& way, std::span<const Job> jobs) {
  if (!jobs.empty()) (functions_of(kernel).*way.hash)(jobs.data(), jobs.size());
}

void run(const Plan& by, const Way& way, std::span<const Job> jobs) {
  const std::size_t many = (by.*way.sets).for_many(jobs.size());
  run_on(by.many, way, jobs.first(many));
  run_on(by.few, way, jobs.subspan(many));
}

// Jobs that are sorted apart at a time, on the stack.
constexpr std::size_t mixed_jobs = 128;

// Messages of one block keep their own way when longer ones are among them.
void run_mixed(const Plan& by, std::span<const Job> jobs) {
  std::array<Job, mixed_jobs> apart;
  const auto middle =
      std::partition_copy(jobs.begin(), jobs.end(), apart.begin(), apart.rbegin(), is_one_block);
  const auto shorter = static_cast<std::size_t>(middle.first - apart.begin());
  const auto longer = std::span(apart).last(jobs.size() - shorter);
  std::ranges::sort(longer, {}, &Job::message_bytes);
  run(by, one_block, std::span(apart).first(shorter));
  run(by, any_length, longer);
}

void run_all(const Plan& by, std::span<const Job> jobs) {
  if (std::ranges::all_of(jobs, is_one_block)) return run(by, one_block, jobs);
  while (!jobs.empty()) {
    const std::size_t now = std::min(mixed_jobs, jobs.size());
    run_mixed(by, jobs.first(now));
    jobs = jobs.subspan(now);
  }
}

}  // namespace

Midstates::~Midstates() { wipe({reinterpret_cast<Byte*>(this), sizeof *this}); }

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

Result<Kernel> kernel_named(std::string_view name) {
  std::string known;
  for (const Kernel kernel : kernels()) {
    if (name_of(kernel) == name) return kernel;
    known += (known.empty() ? "" : ", ") + std::string(name_of(kernel));
  }
  return fail(Code::invalid,
              "'" + std::string(name) + "' is no kernel of this processor, which has: " + known);
}

std::span<const Kernel> kernels() {
  static const std::vector<Kernel> here = kernels_of(features_here());
  return here;
}

std::optional<Kernel> forced_kernel() {
  static const std::optional<Kernel> forced = read_forced_kernel();
  return forced;
}

bool uses(Kernel kernel) { return plan().many == kernel || plan().few == kernel; }

void hmac(std::span<const Job> jobs) { run_all(plan(), jobs); }
void hmac(Kernel kernel, std::span<const Job> jobs) { run_all(only(kernel), jobs); }
void hmac(const Plan& by, std::span<const Job> jobs) { run_all(by, jobs); }

ChainingValue after_block(Block block) {
  ChainingValue state = initial_value;
  functions_of(plan().few).compress(state.data(), block.data());
  return state;
}

}  // namespace shearline::engine::lanes
