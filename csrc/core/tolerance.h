#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <string>

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

/// By what outputs are judged: what a case file states, and what the user does, each {"rtol",
/// "atol", "exact", "normwise", "topk", "accept", "outputs": {NAME: {...}}}. A file is data from a
/// stranger: for an output of which the user says anything, nothing of the file's counts. An
/// output's own entry wins over the rest of what it stands in. "normwise" is for another
/// environment: it allows for 8 times rtol (1 time for dtypes of less than 4 bytes) of the output's
/// largest value besides.
class TolerancePolicy {
 public:
  /// Raises Error(CaseFile or Usage) for rules that judge nothing (core/rules.h).
  TolerancePolicy(Json of_file, Json stated, c10::DeviceType device);
  /// What the user states, alone.
  TolerancePolicy(Json stated, c10::DeviceType device)
      : TolerancePolicy(Json(), std::move(stated), device) {}

  /// How many of the largest values are a classifier's decision; 0 if nobody asks.
  int64_t topk() const;

  /// Figures that decide instead of the tolerance, as core/requirement.h reads them; null if nobody
  /// asks, and for dtypes that are exact.
  Json accept(const std::string& output, c10::ScalarType dtype) const;

  /// For the output of that name and dtype. Integers and bools are exact whatever was stated.
  Tolerance of(const std::string& output, c10::ScalarType dtype) const;

  /// Whose rules judge that output: "user", "file", or "table" where neither states any.
  const char* set_by(const std::string& output, c10::ScalarType dtype) const;

 private:
  /// Null for "table".
  const Json& rules_for(const std::string& output) const;

  Json of_file_;
  Json stated_;
  c10::DeviceType device_;
};

}  // namespace tsharness
