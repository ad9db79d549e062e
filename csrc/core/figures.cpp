#include "core/figures.h"

#include <algorithm>
#include <cmath>

namespace tsharness {

namespace {

constexpr double kQuantiles[] = {0.5, 0.9, 0.99, 0.999};

double cosine(const PartialDifference& whole) {
  if (whole.actual_squared == 0 && whole.expected_squared == 0) return 1;
  if (whole.actual_squared == 0 || whole.expected_squared == 0) return 0;
  const double norm = std::sqrt(whole.actual_squared) * std::sqrt(whole.expected_squared);
  return std::clamp(whole.product / norm, -1.0, 1.0);
}

/// The ratio of two sums of squares in decibels; infinity if there is no noise.
double decibels(double signal, double noise) {
  return noise > 0 ? 10 * std::log10(signal / noise) : std::numeric_limits<double>::infinity();
}

void set_norms(const PartialDifference& whole, TensorDifference& result) {
  const double noise = whole.error_squared;
  const double signal = whole.expected_squared;
  result.l2 = std::sqrt(noise);
  result.relative_l2 = noise > 0 ? std::sqrt(noise / signal) : 0;
  result.snr = decibels(signal, noise);
  const double peak = whole.max_magnitude * whole.max_magnitude;
  result.psnr = decibels(peak * double(whole.finite), noise);
}

std::vector<double> error_quantiles(const PartialDifference& whole,
                                    const std::vector<uint64_t>& histogram) {
  std::vector<double> result;
  for (const double quantile : kQuantiles) {
    const auto rank = static_cast<uint64_t>(std::ceil(quantile * double(whole.finite)));
    uint64_t seen = 0;
    int bin = 0;
    while (bin + 1 < kErrorBins && (seen += histogram[bin]) < rank) ++bin;
    result.push_back(std::min(error_bin_upper_edge(bin), whole.max_abs));
  }
  return result;
}

}  // namespace

TensorDifference figures_of(const PartialDifference& whole, const std::vector<uint64_t>& histogram,
                            int64_t numel) {
  TensorDifference result;
  result.numel = numel;
  result.mismatched = whole.mismatched;
  result.nonfinite_mismatched = whole.nonfinite_mismatched;
  result.nan_actual = whole.nan_actual;
  result.nan_expected = whole.nan_expected;
  result.finite = whole.finite;
  result.largest_expected = whole.max_magnitude;
  result.max_abs = whole.max_abs;
  result.mean_abs = whole.finite > 0 ? whole.sum_abs / double(whole.finite) : 0;
  result.max_rel = whole.max_rel;
  result.mean_rel = whole.nonzero_expected > 0 ? whole.sum_rel / double(whole.nonzero_expected) : 0;
  result.max_ulp = whole.max_ulp;
  result.cosine = cosine(whole);
  set_norms(whole, result);
  result.min_atol = std::max(0.0, whole.max_excess);
  result.min_rtol = whole.min_rtol;
  result.quantiles = error_quantiles(whole, histogram);
  return result;
}

}  // namespace tsharness
