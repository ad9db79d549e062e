#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include "core/json.h"

namespace tsharness {

/// What an artifact's floating-point tensors, and its inputs', are converted to: another dtype, a
/// memory format, or both.
class Cast {
 public:
  Cast() = default;
  /// {"dtype": "float64", "memory_format": "channels_last"}, both optional; null is no cast.
  /// Raises Error(Usage) for a name that there is not.
  explicit Cast(const Json& json);

  bool changes_something() const { return dtype_ || memory_format_; }
  /// The tensor itself where there is nothing to change: integers, and dims that no format is for.
  at::Tensor operator()(const at::Tensor& tensor) const;

 private:
  std::optional<at::ScalarType> dtype_;
  std::optional<at::MemoryFormat> memory_format_;
};

}  // namespace tsharness
