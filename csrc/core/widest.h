#pragma once

// One binary serves every x86-64 machine: the loader picks the widest vectors of each function that
// is marked so.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define TSHARNESS_WIDEST __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define TSHARNESS_WIDEST
#endif
#define TSHARNESS_INLINE inline __attribute__((always_inline))
