#pragma once

// The differences between LibTorch 1.13 and the newest that this source meets, all in one place.

#include <ATen/Version.h>
#include <c10/core/Event.h>
#include <torch/version.h>

#include <string>

#include "core/error.h"

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

/// Seconds from one event to another; both must have been reached.
/// Raises Error(Usage) where LibTorch cannot say (before 2.4).
inline double elapsed_seconds(const c10::Event& from, const c10::Event& to) {
#if TSHARNESS_TORCH_AT_LEAST(2, 4)
  return 1e-3 * from.elapsedTime(to);  // of milliseconds
#else
  (void)from;
  (void)to;
  throw Error(ErrorKind::Usage, "LibTorch " TORCH_VERSION " cannot read a device's clock; 2.4 can");
#endif
}

/// Of an event of LibTorch's profiler, in seconds.
template <class ProfilerEvent>
double start_seconds(const ProfilerEvent& event) {
#if TSHARNESS_TORCH_AT_LEAST(2, 4)
  return 1e-9 * static_cast<double>(event.startNs());
#else
  return 1e-6 * static_cast<double>(event.startUs());
#endif
}
template <class ProfilerEvent>
double duration_seconds(const ProfilerEvent& event) {
#if TSHARNESS_TORCH_AT_LEAST(2, 4)
  return 1e-9 * static_cast<double>(event.durationNs());
#else
  return 1e-6 * static_cast<double>(event.durationUs());
#endif
}

}  // namespace tsharness
