#pragma once

#include <torch/csrc/jit/api/module.h>

#include <string>

namespace tsharness {

/// As the dispatcher names it: "aten::add".
std::string operator_name(const torch::jit::Node& node);

/// What a value of a graph is without running it: a constant, an attribute below `self` (whose
/// value in the graph is `self_value`), or a transposed one. Nothing if that cannot be told.
c10::optional<c10::IValue> resolve(const torch::jit::Value* value, const c10::IValue& self,
                                   const torch::jit::Value* self_value);

/// True for operators that hand their first argument on with the dims that it has.
bool keeps_dims(const std::string& op);

}  // namespace tsharness
