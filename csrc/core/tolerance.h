#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <string>
#include <vector>

#include "core/json.h"

namespace tsharness {

/// How far two elements may lie apart: |actual - expected| <= atol + rtol * |expected|.
struct Tolerance {
  double rtol = 0;
  double atol = 0;
  bool exact = false;  ///< compare bits; rtol and atol are then 0
  /// How much of the largest |expected| is added to atol: two environments round differently, and
  /// what cancels keeps the rounding error of what it came from.
  double of_largest = 0;
};

/// The tolerance of a dtype where nobody states one. CPU: that of torch.testing.assert_close.
/// Another device than the reference's: the wider table of docs/comparison.md.
Tolerance default_tolerance(c10::ScalarType dtype, c10::DeviceType device);

/// Tolerances as a user states them, in layers: {"rtol", "atol", "exact", "normwise", "topk",
/// "accept", "outputs": {NAME: {...}}}. "normwise" is for another environment: it allows for 8
/// times rtol (1 time for dtypes of less than 4 bytes) of the output's largest value besides. A
/// later layer wins over an earlier one, an output's own entry over the layer it stands in.
class TolerancePolicy {
 public:
  TolerancePolicy(std::vector<Json> layers, c10::DeviceType device)
      : layers_(std::move(layers)), device_(device) {}

  /// How many of the largest values are a classifier's decision; 0 if nobody asks.
  int64_t topk() const;

  /// Figures that decide instead of the tolerance, as core/requirement.h reads them; null if nobody
  /// asks, and for dtypes that are exact.
  Json accept(const std::string& output, c10::ScalarType dtype) const;

  /// For the output of that name and dtype. Integers and bools are exact whatever was stated.
  Tolerance of(const std::string& output, c10::ScalarType dtype) const;

 private:
  std::vector<Json> layers_;
  c10::DeviceType device_;
};

}  // namespace tsharness
