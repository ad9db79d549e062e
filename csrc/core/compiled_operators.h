#pragma once

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/mobile/module.h>

#include <set>
#include <string>

namespace tsharness {

/// Every operator ("aten::add") and every class of native code ("torch.classes.ns.Name") in what
/// LibTorch compiled of an artifact, whether a call can reach it or not: methods, hooks, functions,
/// classes, what constants and attributes hold, and all graphs and blocks inside these. What has no
/// operator in LibTorch's registry (prim::If, prim::CallMethod) is the interpreter's own.
std::set<std::string> compiled_operators(const torch::jit::Module& module);

/// The same of what the lite interpreter would run, operators by their names alone.
std::set<std::string> compiled_operators(const torch::jit::mobile::Module& module);

}  // namespace tsharness
