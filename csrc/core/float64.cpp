#include "core/float64.h"

#include <ATen/ATen.h>

#include <sstream>

#include "core/observe.h"
#include "core/walk.h"

namespace tsharness {

namespace {

constexpr double kTimes = 8;

at::Tensor on_host(const at::Tensor& tensor) { return tensor.detach().cpu().to(at::kDouble); }

/// Distance between neighbouring values at 1.
double step_of(at::ScalarType dtype) {
  switch (dtype) {
    case at::kFloat:
      return 0x1p-23;
    case at::kHalf:
      return 0x1p-10;
    case at::kBFloat16:
      return 0x1p-7;
    default:
      return 0;
  }
}

}  // namespace

void judge_by_float64(const c10::IValue& actual, const c10::IValue& expected,
                      const c10::IValue& exact, std::vector<OutputComparison>& comparisons) {
  const auto actuals = tensors_of("output", actual);
  const auto references = tensors_of("output", expected);
  const auto exacts = tensors_of("output", exact);
  for (OutputComparison& comparison : comparisons) {
    const auto mine = actuals.find(comparison.name);
    const auto reference = references.find(comparison.name);
    const auto precise = exacts.find(comparison.name);
    if (!comparison.difference || mine == actuals.end() || reference == references.end() ||
        precise == exacts.end() || precise->second.sizes() != mine->second.sizes()) {
      continue;
    }
    const double step = step_of(mine->second.scalar_type());
    if (step == 0 || comparison.difference->nonfinite_mismatched > 0) continue;
    const at::Tensor truth = on_host(precise->second);
    Float64Errors errors;
    errors.target = largest_finite(on_host(mine->second) - truth);
    errors.reference = largest_finite(on_host(reference->second) - truth);
    const double smaller = std::min(errors.target, errors.reference);
    errors.allowed = kTimes * std::max(smaller, step * largest_finite(truth));
    comparison.float64 = errors;
    comparison.decisive = true;  // what is allowed goes with the outputs' own scale
    comparison.set_by = "user";
    comparison.passed = std::max(errors.target, errors.reference) <= errors.allowed;
    std::ostringstream reason;
    reason << "is " << errors.target << " from the float64 run, the reference " << errors.reference
           << " (allowed " << errors.allowed << ")";
    comparison.reason = comparison.passed ? "" : reason.str();
  }
}

}  // namespace tsharness
