#include "engine/lanes_plan.hpp"

namespace shearline::engine::lanes {
namespace {

// What each takes for messages of one block, measured by lanes_bench on a Zen 5 (bench/results): half a set of AVX-512
// lanes 375 ns, a full one of two groups 620 ns; a set of AVX2 lanes 590 ns; a job 44 ns on SHA-NI and 265 ns on the
// portable kernel. For longer messages all of them grow alike, but AVX-512 has sets of one group only.
constexpr Sets avx512_beside_sha_ni{.full = 32, .half = 16, .half_from = 9, .full_from = 22};
constexpr Sets avx512_beside_portable{.full = 32, .half = 16, .half_from = 2, .full_from = 17};
constexpr Sets avx512_any_length_beside_sha_ni{.full = 16, .half = 16, .half_from = 9, .full_from = 9};
constexpr Sets avx512_any_length_beside_portable{.full = 16, .half = 16, .half_from = 2, .full_from = 2};
constexpr Sets avx2_beside_portable{.full = 8, .half = 8, .half_from = 3, .full_from = 3};

}  // namespace

std::vector<Kernel> kernels_of(const Features& features) {
  std::vector<Kernel> made;
  if (features.avx512) made.push_back(Kernel::avx512);
  if (features.sha_ni) made.push_back(Kernel::sha_ni);
  if (features.avx2) made.push_back(Kernel::avx2);
  if (features.armv8_sha2) made.push_back(Kernel::armv8);
  made.push_back(Kernel::portable);
  return made;
}

Plan plan_of(const Features& features) {
  if (features.avx512 && features.sha_ni)
    return {Kernel::avx512, Kernel::sha_ni, avx512_beside_sha_ni, avx512_any_length_beside_sha_ni};
  if (features.avx512)
    return {Kernel::avx512, Kernel::portable, avx512_beside_portable, avx512_any_length_beside_portable};
  if (features.sha_ni) return only(Kernel::sha_ni);
  if (features.avx2) return {Kernel::avx2, Kernel::portable, avx2_beside_portable, avx2_beside_portable};
  if (features.armv8_sha2) return only(Kernel::armv8);
  return only(Kernel::portable);
}

}  // namespace shearline::engine::lanes
