#pragma once

#include <ATen/core/ivalue.h>

#include <optional>
#include <string>
#include <vector>

#include "core/compare_tensors.h"
#include "core/json.h"
#include "core/requirement.h"
#include "core/tolerance.h"

namespace tsharness {

/// Largest absolute errors against a float64 run (core/float64.h).
struct Float64Errors {
  double target = 0;
  double reference = 0;
  double allowed = 0;
};

/// Rows of a classifier's output whose K largest values are at other places.
struct Decisions {
  int64_t k = 0;
  int64_t rows = 0;
  int64_t changed = 0;
};

/// What was found at one place of the outputs: a tensor, a scalar, or a difference of structure.
struct OutputComparison {
  /// "output" for a single value, "output[1]" in a tuple or list, "logits" or "aux.logits[0]"
  /// through dicts and named tuples.
  std::string name;
  bool passed = true;
  /// Why it did not pass, in words; empty if it passed.
  std::string reason;
  /// The other output whose reference these values equal, if they do not pass: outputs in the wrong
  /// order. Empty if there is none.
  std::string resembles;
  /// "values", "type", "dtype", "shape", "device", "length" or "keys": what was looked at last.
  std::string aspect = "values";
  std::string dtype;             ///< of the expected tensor; the type's name for other values
  std::vector<int64_t> shape;    ///< of the expected tensor
  Tolerance tolerance;           ///< that was applied
  std::string set_by = "table";  ///< whose the tolerance and the requirements are: "user", "file"
  /// Whether a wrong value could have failed. Not where there is no value, and not where values
  /// differ while zeros in their place would have passed as well: all are below the tolerance.
  bool decisive = true;
  std::optional<TensorDifference> difference;  ///< for tensors of equal structure
  /// What it was judged by instead of the tolerance, if the policy says so.
  std::vector<Requirement> requirements;
  std::optional<Float64Errors> float64;  ///< if it was judged by a float64 run
  std::optional<Decisions> decisions;    ///< if the policy asks for them
};

/// Compares two value trees: structure first, then values, every tensor and leaf.
/// `expected` is the reference, recorded on a device of type `reference_device`; a tensor that was
/// there may be on any device if the model now runs on another type.
std::vector<OutputComparison> compare_values(const c10::IValue& actual, const c10::IValue& expected,
                                             const TolerancePolicy& policy,
                                             bool same_device_type = true);

/// True if there is something in `comparisons` and all of it passed.
bool all_passed(const std::vector<OutputComparison>& comparisons);

/// Whether a wrong value could have failed, of a comparison of tensors that has its difference.
bool could_fail(const OutputComparison& comparison);

/// As in events and reports; numbers that JSON lacks stand as "inf", "-inf", "nan".
Json to_json(const OutputComparison& comparison);

/// A number as `to_json` writes it.
Json json_number(double value);

}  // namespace tsharness
