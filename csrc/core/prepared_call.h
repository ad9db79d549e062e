#pragma once

#include <ATen/core/ivalue.h>

#include <memory>
#include <string>
#include <vector>

#include "core/session.h"

namespace tsharness {

/// A call whose arguments were checked once. It is made as a server's own code makes it,
/// `module.forward(inputs)`, and takes as long. It shares its tensors, and is of no use once the
/// session was restored.
class PreparedCall {
 public:
  /// Raises Error(Usage) or Error(Input), as the session's own `run` does.
  PreparedCall(const Session& session, const BoundCall& call);

  /// Runs in the grad mode of the calling thread. What the method throws leaves as it is.
  c10::IValue operator()() const { return program_->call(method_, arguments_); }

  /// All of them by position, named ones and defaults too.
  const std::vector<c10::IValue>& arguments() const { return arguments_; }

 private:
  std::shared_ptr<const Program> program_;
  std::string method_;
  std::vector<c10::IValue> arguments_;
};

}  // namespace tsharness
