#pragma once

#include <ATen/core/grad_mode.h>
#include <c10/core/InferenceMode.h>

#include <functional>
#include <optional>
#include <vector>

#include "core/json.h"

namespace tsharness {

/// How a call treats autograd.
enum class GradMode { NoGrad, Inference, Grad };

/// Puts this thread into that mode as long as it lives.
class GradGuard {
 public:
  explicit GradGuard(GradMode mode);

 private:
  at::AutoGradMode grad_;
  std::optional<c10::InferenceMode> inference_;
};

/// Switches of LibTorch by name, as a server may set them (docs/protocol.md, "settings"). What the
/// constructor sets, the destructor puts back.
class Settings {
 public:
  /// Sets what `json` names; null sets nothing. Raises Error(Usage) for a name or a value that
  /// there is not.
  explicit Settings(const Json& json);
  ~Settings();
  Settings(const Settings&) = delete;
  Settings& operator=(const Settings&) = delete;

  GradMode grad_mode() const { return grad_mode_; }

 private:
  void set(const std::string& name, const Json& value);

  GradMode grad_mode_ = GradMode::NoGrad;
  std::vector<std::function<void()>> undo_;
};

}  // namespace tsharness
