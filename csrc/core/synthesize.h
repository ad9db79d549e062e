#pragma once

#include <ATen/core/ivalue.h>

#include "core/json.h"

namespace tsharness {

/// A value for an argument that a spec describes: {"dtype", "dims", "low", "high"} a tensor of
/// random numbers (without a range: standard normal, integers 0 or 1), {"value"} that value.
/// Draws from LibTorch's own generator. Raises Error(Usage).
c10::IValue synthesize(const Json& spec);

}  // namespace tsharness
