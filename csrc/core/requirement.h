#pragma once

#include <string>
#include <vector>

#include "core/compare_tensors.h"
#include "core/json.h"

namespace tsharness {

/// A figure of a comparison that decides instead of the tolerance: "psnr must be at least 40".
struct Requirement {
  std::string statistic;  ///< a name that `requirements_of` knows
  bool at_least = false;  ///< or at most
  double value = 0;
  double seen = 0;
  bool met() const { return at_least ? seen >= value : seen <= value; }
};

/// Reads [[STATISTIC, ">=" or "<=", VALUE], ...] and looks the figures up; null gives none.
/// Statistics are the numbers of TensorDifference by their names; "median_abs", "p90_abs",
/// "p99_abs", "p999_abs", its quantiles; "mismatched", the share of elements beyond the tolerance.
/// Raises Error(Usage) for another name.
std::vector<Requirement> requirements_of(const Json& accept, const TensorDifference& difference);

/// In words, those that are not met; empty if all are.
std::string unmet_reason(const std::vector<Requirement>& requirements);

}  // namespace tsharness
