#pragma once

#include <torch/csrc/jit/api/module.h>

#include <string>
#include <vector>

#include "core/json.h"

namespace tsharness {

/// What the operators that first consume an argument say of it. `hints` is a list in the order of
/// the graph, each {"op", "dtype", "dims", "low", "high", "ellipsis", "channels", "kernel",
/// "values", "broadcast"} with only what is known. `dims` holds a size or null; with "ellipsis",
/// any number of dims may stand before it. `parts` are those of a container that the code takes
/// out:
/// {"key" (a string or a position, null for each element), "hints", "parts", "tested": whether the
/// code asks if it is there}.
struct ArgumentHints {
  std::string name;
  std::string type;  ///< TorchScript's notation
  bool has_default = false;
  Json hints = Json::array();
  Json parts = Json::array();
};

/// Hints for every argument of a method but self, from its graph and the module's parameters.
/// Nothing is run.
std::vector<ArgumentHints> infer_arguments(const torch::jit::Module& module,
                                           const std::string& method);

/// Sizes of the dims of parameters that are added to activations or looked up: what a position
/// embedding expects stands among them.
std::vector<int64_t> characteristic_sizes(const torch::jit::Module& module,
                                          const std::string& method);

}  // namespace tsharness
