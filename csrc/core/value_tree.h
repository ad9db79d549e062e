#pragma once

#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type_base.h>

#include "core/json.h"
#include "core/safetensors.h"

namespace tsharness {

/// The value that a node describes (docs/case-file.md). With `type`, the TorchScript type of the
/// argument that it is for, containers and numbers become what that type asks for; without,
/// containers take the type of their elements.
/// Raises Error(CaseFile) for a malformed node, Error(Input) for one that does not fit `type`.
c10::IValue decode_value(const Json& node, const SafetensorsReader& file,
                         const c10::TypePtr& type = nullptr);

/// The node of a value; tensors are added to `file`. A dtype, which TorchScript keeps as an int,
/// comes out as that int. Raises Error(Input) for a value that no case file can hold.
Json encode_value(const c10::IValue& value, SafetensorsWriter& file);

/// The same tree with every tensor replaced by `clone_exactly` on `device`.
c10::IValue clone_value(const c10::IValue& value, c10::Device device);

}  // namespace tsharness
