#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/json.h"

namespace tsharness {

/// Calls of one operator with inputs of the same shapes at one line of the model's source.
struct OperatorTotal {
  std::string name;    ///< "aten::conv2d"
  std::string shapes;  ///< of its tensor inputs: "[1, 3, 224, 224], [64, 3, 7, 7]"
  std::string where;   ///< the innermost line of the model's source that called it; may be empty
  int64_t calls = 0;
  double seconds = 0;         ///< on the host, without the operators that it called itself
  double device_seconds = 0;  ///< of the kernels that it started
  int64_t flops = 0;          ///< of products and convolutions; 0 for others
  int64_t bytes = 0;          ///< of tensors that it took and gave, unless it only calls others
};

/// Profiles `rounds` runs of `call` with LibTorch's own profiler (Kineto), as Python's
/// torch.profiler does; totals are of all of them, the most time first. Writes a Chrome trace to
/// `trace` if that is not empty. Raises Error(Execution), Error(Usage) where LibTorch was built
/// without it.
std::vector<OperatorTotal> profile_operators(const std::function<void()>& call, int64_t rounds,
                                             bool on_accelerator, const std::string& trace);

Json to_json(const OperatorTotal& total);

}  // namespace tsharness
