#include "core/compare.h"
#include "core/rules.h"

namespace tsharness {

bool could_fail(const OutputComparison& result) {
  const TensorDifference& difference = *result.difference;
  if (difference.numel == 0) return false;
  const bool equal = difference.mismatched == 0 && difference.max_abs == 0;
  if (equal || result.tolerance.exact || difference.finite == 0) return true;
  const double largest = difference.largest_expected;
  for (const Requirement& one : result.requirements) {
    if (statistic_of(one.statistic).relative || one.value < largest) return true;
  }
  const Tolerance& tolerance = result.tolerance;
  return result.requirements.empty() && largest > tolerance.atol + tolerance.rtol * largest;
}

}  // namespace tsharness
