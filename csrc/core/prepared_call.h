#pragma once

#include <torch/script.h>

#include <vector>

#include "core/session.h"

namespace tsharness {

/// A call whose method was found and whose arguments were checked, once: what is left to do is what
/// a server's own loop does. It shares its tensors, and is of no use once the session was restored.
class PreparedCall {
 public:
  /// Raises Error(Usage) or Error(Input), as the session's own `run` does.
  PreparedCall(const Session& session, const BoundCall& call);

  /// Runs in the grad mode of the calling thread. What the method throws leaves as it is.
  c10::IValue operator()() const {
    std::vector<c10::IValue> stack = stack_;
    function_->run(stack);
    return std::move(stack.front());
  }

  /// The module first.
  const std::vector<c10::IValue>& arguments() const { return stack_; }

 private:
  torch::jit::Function* function_;  ///< of the session's module
  std::vector<c10::IValue> stack_;
};

}  // namespace tsharness
