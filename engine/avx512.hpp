// The intrinsics of AVX-512, and SHEARLINE_AVX512, which marks a function that uses them. For the _avx512 files of the
// check path, whose callers ask lanes::uses() first; the kernels of lanes are compiled for their processor as a whole.
#pragma once

#if defined(__x86_64__)

// g++ 12 takes the deliberately undefined operands inside this header for mistakes (GCC bug 105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop

// The extensions that lanes::uses(Kernel::avx512) has found. The whole file would not do: code of shared headers that is
// compiled there must still run on any processor.
#define SHEARLINE_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,bmi,bmi2")))

#endif
