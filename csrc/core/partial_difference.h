#pragma once

#include <cstdint>
#include <limits>

#include "core/tolerance.h"

namespace tsharness {

/// Bins of the histogram of absolute errors: exponent and four bits of mantissa of a double.
constexpr int kErrorBins = 1 << 15;

/// What is known of a run of elements. Combining parts in a fixed order gives the same bits
/// whatever thread made which part.
struct PartialDifference {
  int64_t mismatched = 0;
  int64_t nonfinite_mismatched = 0;
  int64_t finite = 0;
  int64_t nonzero_expected = 0;
  int64_t nan_actual = 0;
  int64_t nan_expected = 0;
  double sum_abs = 0;
  double max_abs = 0;
  double sum_rel = 0;
  double max_rel = 0;
  double max_excess = -std::numeric_limits<double>::infinity();  ///< of |a-e| - rtol*|e|
  double min_rtol = 0;
  int64_t worst = -1;  ///< flat index that has `max_excess`
  uint64_t max_ulp = 0;
  double actual_squared = 0;
  double expected_squared = 0;
  double product = 0;
  double error_squared = 0;
  double max_magnitude = 0;  ///< of expected

  void combine(const PartialDifference& later);

  /// Adds one element. `error` and `magnitude` may be infinite or NaN only through `finite`.
  void add(int64_t index, double error, double magnitude, bool mismatch, const Tolerance& tolerance,
           uint64_t* histogram);
  /// Adds an element that is NaN or infinite on one side only.
  void add_nonfinite(int64_t index);
};

/// Bin of an absolute error, and the upper edge of a bin.
int error_bin(double error);
double error_bin_upper_edge(int bin);

}  // namespace tsharness
