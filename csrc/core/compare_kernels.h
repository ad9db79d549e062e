#pragma once

#include <cstdint>

#include "core/partial_difference.h"
#include "core/tolerance.h"

namespace tsharness {

/// Elements that one kernel call takes; its inputs and scratch stay in the first-level cache.
constexpr int kBlock = 1024;

/// Adds `count` elements (at most kBlock) starting at flat index `start`. Returns false, and adds
/// nothing, if one of them is not finite: the caller then goes element by element.
bool add_block(const float* actual, const float* expected, int count, int64_t start,
               const Tolerance& tolerance, PartialDifference& part, uint64_t* histogram);
bool add_block(const double* actual, const double* expected, int count, int64_t start,
               const Tolerance& tolerance, PartialDifference& part, uint64_t* histogram);

/// Adds a block whose two sides have the same bytes; false as above.
bool add_equal_block(const float* values, int count, int64_t start, const Tolerance& tolerance,
                     PartialDifference& part, uint64_t* histogram);
bool add_equal_block(const double* values, int count, int64_t start, const Tolerance& tolerance,
                     PartialDifference& part, uint64_t* histogram);

}  // namespace tsharness
