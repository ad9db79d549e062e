#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace tsharness {

/// What one call of an operator is about, whatever time it takes.
struct OperatorWork {
  int64_t flops = 0;  ///< of products and convolutions; 0 for others
  int64_t bytes = 0;  ///< of the tensors that it takes and gives
  std::string where;  ///< "model.py:14", the innermost line that is not torch's own; may be empty
};

/// By name and shapes_text of the inputs; a value for each time that it was called, in order.
/// Operators that only arrange others have neither flops nor bytes.
using OperatorWorks = std::map<std::pair<std::string, std::string>, std::vector<OperatorWork>>;

/// Runs `call` once and looks at each operator. What it throws leaves as it is.
OperatorWorks operator_works(const std::function<void()>& call);

/// "[1, 3, 224, 224], [64, 3, 7, 7]": of the tensors among an operator's inputs. What is no tensor
/// has an empty shape, as scalars have; these are left out.
std::string shapes_text(const std::vector<std::vector<int64_t>>& shapes);

}  // namespace tsharness
