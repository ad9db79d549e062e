#include "core/partial_difference.h"

#include <algorithm>
#include <cstring>

namespace tsharness {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

void PartialDifference::combine(const PartialDifference& later) {
  mismatched += later.mismatched;
  nonfinite_mismatched += later.nonfinite_mismatched;
  finite += later.finite;
  nonzero_expected += later.nonzero_expected;
  nan_actual += later.nan_actual;
  nan_expected += later.nan_expected;
  sum_abs += later.sum_abs;
  sum_rel += later.sum_rel;
  max_abs = std::max(max_abs, later.max_abs);
  max_rel = std::max(max_rel, later.max_rel);
  min_rtol = std::max(min_rtol, later.min_rtol);
  max_ulp = std::max(max_ulp, later.max_ulp);
  actual_squared += later.actual_squared;
  expected_squared += later.expected_squared;
  product += later.product;
  error_squared += later.error_squared;
  max_magnitude = std::max(max_magnitude, later.max_magnitude);
  if (later.max_excess > max_excess || worst < 0) {
    max_excess = later.max_excess;
    worst = later.worst;
  }
}

void PartialDifference::add(int64_t index, double error, double magnitude, bool mismatch,
                            const Tolerance& tolerance, uint64_t* histogram) {
  ++histogram[error_bin(error)];
  ++finite;
  mismatched += mismatch;
  sum_abs += error;
  error_squared += error * error;
  max_abs = std::max(max_abs, error);
  max_magnitude = std::max(max_magnitude, magnitude);
  if (magnitude > 0) {
    ++nonzero_expected;
    sum_rel += error / magnitude;
    max_rel = std::max(max_rel, error / magnitude);
  } else if (error > 0) {
    max_rel = kInfinity;
  }
  const double beyond = error - tolerance.atol;
  if (beyond > 0) min_rtol = std::max(min_rtol, magnitude > 0 ? beyond / magnitude : kInfinity);
  const double excess = error - magnitude * tolerance.rtol;
  if (excess > max_excess || worst < 0) {
    max_excess = excess;
    worst = index;
  }
}

void PartialDifference::add_nonfinite(int64_t index) {
  ++mismatched;
  ++nonfinite_mismatched;
  min_rtol = kInfinity;
  if (max_excess < kInfinity) worst = index;
  max_excess = kInfinity;
}

int error_bin(double error) {
  int64_t bits = 0;
  std::memcpy(&bits, &error, sizeof bits);
  return static_cast<int>(bits >> 48);
}

double error_bin_upper_edge(int bin) {
  if (bin == 0) return 0;
  const int64_t bits = (int64_t{bin} + 1) << 48;
  double edge = 0;
  std::memcpy(&edge, &bits, sizeof edge);
  return edge;
}

}  // namespace tsharness
