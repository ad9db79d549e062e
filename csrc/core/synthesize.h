#pragma once

#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include "core/json.h"

namespace tsharness {

/// A value for an argument that a spec describes: {"dtype", "dims", "low", "high"} a tensor of
/// random numbers (without a range: standard normal, integers 0 or 1), {"value"} that value,
/// {"items": [spec, ...]} a list, {"elements": [spec, ...]} a tuple, {"entries": [spec, ...]} a
/// dict whose keys are the specs' "name". Containers take the argument's declared type; without
/// one, that of what they hold. Draws from LibTorch's own generator. Raises Error(Usage).
c10::IValue synthesize(const Json& spec, const c10::TypePtr& type = nullptr);

}  // namespace tsharness
