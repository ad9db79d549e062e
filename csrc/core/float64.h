#pragma once

#include <ATen/core/ivalue.h>

#include <vector>

#include "core/compare.h"

namespace tsharness {

/// Judges floating-point outputs by a run of the same artifact in float64, instead of by a
/// tolerance. Where target and reference both only round, their errors against that run are alike:
/// the larger one is at most 8 times the smaller, or 8 steps of the dtype at the output's largest
/// value. If the target's is larger, it computes less exactly than it could; if the reference's is,
/// the artifact computes something else. What differs in structure, and float64 itself, stay as
/// they were judged.
void judge_by_float64(const c10::IValue& actual, const c10::IValue& expected,
                      const c10::IValue& exact, std::vector<OutputComparison>& comparisons);

}  // namespace tsharness
