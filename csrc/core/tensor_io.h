#pragma once

#include <ATen/core/Tensor.h>

#include "core/json.h"
#include "core/safetensors.h"

namespace tsharness {

/// The tensor that a tensor node describes (docs/case-file.md). A plain tensor looks into the
/// reader's mapping wherever its alignment allows: read it, never write to it.
/// Raises Error(CaseFile).
at::Tensor decode_tensor(const Json& node, const SafetensorsReader& file);

/// The node of a tensor of any device and layout; its bytes are added to `file`.
/// Raises Error(Input) for a layout that the case file does not know.
Json encode_tensor(const at::Tensor& tensor, SafetensorsWriter& file);

/// True for the keys that mark a tensor node: "tensor", "quantized", "sparse".
bool is_tensor_node(const Json& node);

/// A copy on `device` that owns its memory, with the same strides and the same bytes.
at::Tensor clone_exactly(const at::Tensor& tensor, c10::Device device);

}  // namespace tsharness
