#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "core/tolerance.h"

namespace tsharness {

/// How the values of two tensors of one shape and dtype differ. Errors are of actual against
/// expected; positions where both are NaN, or the same infinity, count as equal.
struct TensorDifference {
  /// The element that exceeds its tolerance most (or comes closest to it).
  struct Worst {
    std::vector<int64_t> index;
    double actual = 0;    ///< the real part, if complex
    double expected = 0;  ///< the real part, if complex
    double error = 0;     ///< |actual - expected|; infinity if only one of them is finite
    double allowed = 0;   ///< atol + rtol * |expected|
  };

  int64_t numel = 0;
  int64_t mismatched = 0;            ///< elements beyond the tolerance
  int64_t nonfinite_mismatched = 0;  ///< of these: NaN or infinity on one side only, or other sign
  int64_t nan_actual = 0;
  int64_t nan_expected = 0;
  int64_t finite = 0;           ///< elements that are finite on both sides
  double largest_expected = 0;  ///< the largest magnitude of expected among these
  double max_abs = 0;  ///< over the elements that are finite on both sides, as are the next three
  double mean_abs = 0;
  double max_rel =
      0;  ///< |actual - expected| / |expected|; infinity if expected is 0 where actual is not
  double mean_rel = 0;     ///< over the elements with expected != 0
  uint64_t max_ulp = 0;    ///< steps between neighbouring floats of the dtype; 0 for other dtypes
  double cosine = 1;       ///< of the flattened tensors; 1 if both are zero, 0 if one is
  double l2 = 0;           ///< square root of the sum of squared errors
  double relative_l2 = 0;  ///< l2 over the same of expected; infinity if only that is 0
  double snr = 0;   ///< dB: squares of expected over squared errors; infinity without any error
  double psnr = 0;  ///< dB: square of the largest |expected| over the mean squared error; as above
  double min_atol = 0;  ///< the smallest atol that passes with this rtol
  double min_rtol = 0;  ///< the smallest rtol that passes with this atol
  /// Of the absolute error at 50%, 90%, 99%, 99.9%: upper bounds, at most 1/16 above the true
  /// value.
  std::vector<double> quantiles;
  std::optional<Worst> worst;  ///< none for an empty tensor
};

/// Compares two CPU tensors of the same shape and dtype (strided, not quantized) in one pass over
/// both, in parallel, in blocks that stay in the cache; the result does not depend on the number
/// of threads, bit for bit.
TensorDifference compare_tensors(const at::Tensor& actual, const at::Tensor& expected,
                                 const Tolerance& tolerance);

}  // namespace tsharness
