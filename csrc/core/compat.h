#pragma once

// The differences between LibTorch 1.13 and the newest that this source meets, all in one place.

#include <ATen/Version.h>
#include <torch/version.h>

#include <string>

#define TSHARNESS_TORCH_AT_LEAST(major, minor) \
  (TORCH_VERSION_MAJOR > (major) ||            \
   (TORCH_VERSION_MAJOR == (major) && TORCH_VERSION_MINOR >= (minor)))

namespace tsharness {

/// The vector instructions that LibTorch's own kernels use here, for example "AVX512".
inline std::string cpu_capability() {
#if TSHARNESS_TORCH_AT_LEAST(2, 0)
  return at::get_cpu_capability();
#else
  const std::string label = "CPU capability usage: ";
  const std::string config = at::show_config();
  const auto start = config.find(label);
  if (start == std::string::npos) return "unknown";
  return config.substr(start + label.size(), config.find('\n', start) - start - label.size());
#endif
}

}  // namespace tsharness
