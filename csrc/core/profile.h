#pragma once

#include <ATen/core/ivalue.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/compare.h"
#include "core/json.h"
#include "core/tolerance.h"

namespace tsharness {

/// Of the finite elements of one tensor; the others are counted.
struct Summary {
  double min = 0;
  double max = 0;
  double mean = 0;
  double std = 0;  ///< of the population
  int64_t nonfinite = 0;
};

/// Where, and among which values, two tensors of one shape differ: what one looks at once they do.
struct DifferenceProfile {
  /// Indices of one dim that hold an element beyond the tolerance.
  struct Dim {
    int64_t size = 0;
    int64_t touched = 0;
    int64_t first = -1;
    int64_t last = -1;
  };
  /// Elements whose |expected| lies in one decade.
  struct Magnitude {
    int64_t count = 0;
    int64_t mismatched = 0;
    double max_abs = 0;  ///< the largest error among them
  };

  Summary actual;
  Summary expected;
  std::vector<Dim> dims;
  /// Number of elements by the decade of their absolute error, d for [10^d, 10^(d+1)).
  std::map<int, int64_t> errors;
  int64_t equal = 0;  ///< elements without any error, which have no decade
  std::map<int, Magnitude> magnitudes;
  int64_t zeros = 0;  ///< expected ones, which have no decade
};

/// Complex tensors by their real parts and imaginary parts, side by side in one more dim. One part
/// of the tensors at a time is in memory as double.
DifferenceProfile profile_difference(const at::Tensor& actual, const at::Tensor& expected,
                                     const Tolerance& tolerance);

/// Profiles of the outputs that differ, by name: of the first call that does, or of the first that
/// fails, once there is one. "passed" says which of the two it is of.
void add_profiles(const c10::IValue& actual, const c10::IValue& expected,
                  const std::vector<OutputComparison>& comparisons, Json& found);

}  // namespace tsharness
