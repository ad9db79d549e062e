#pragma once

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/mobile/module.h>

#include <set>
#include <string>
#include <vector>

namespace tsharness {

/// What LibTorch compiled of an artifact, whether a call can reach it or not: methods, hooks,
/// functions, classes, what constants and attributes hold, and all graphs and blocks inside these.
struct CompiledCode {
  /// Every operator ("aten::add") and every class of native code ("torch.classes.ns.Name"). What
  /// has no operator in LibTorch's registry (prim::If, prim::CallMethod) is the interpreter's own.
  std::set<std::string> operators;
  /// Tensors that stand in the graphs themselves, as a trace keeps what it meets: a call may write
  /// to them, and they are in none of the module's attributes.
  std::vector<at::Tensor> constants;
  /// Whether some of it runs or not, or more or less often, depending on a value. Without that,
  /// calls with inputs of the same shapes run the same operators.
  bool branches = false;
};
CompiledCode compiled_code(const torch::jit::Module& module);

/// The operators of what the lite interpreter would run, operators by their names alone.
std::set<std::string> compiled_operators(const torch::jit::mobile::Module& module);

}  // namespace tsharness
