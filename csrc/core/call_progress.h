#pragma once

#include <ATen/record_function.h>

#include "core/json.h"

namespace tsharness {

/// Listens to the operators that its thread calls as long as it lives: how far a call came, and
/// which operator raised. One at a time in a thread.
class CallProgress {
 public:
  CallProgress();
  ~CallProgress();
  CallProgress(const CallProgress&) = delete;
  CallProgress& operator=(const CallProgress&) = delete;

  /// Operators that were begun, those that others call included.
  int64_t operators() const { return begun_; }
  /// The outermost operator that an exception left: {"op", "inputs": [{"dims", "dtype"} or null,
  /// ...]}, a list of tensors by its first; null if none raised.
  const Json& raised() const { return raised_; }

 private:
  at::CallbackHandle handle_;
  int64_t begun_ = 0;
  Json raised_;
};

}  // namespace tsharness
