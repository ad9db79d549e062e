#include "core/ceilings.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <functional>

#include "core/clock.h"
#include "core/devices.h"

namespace tsharness {

namespace {

constexpr double kSeconds = 0.3;
constexpr int64_t kElements = int64_t{1} << 26;  // 256 MB of float32

/// Of the fastest run: what disturbs only takes time.
double shortest(const std::function<void()>& work, c10::Device device) {
  work();
  synchronize_device(device);
  double best = 0;
  const double end = now_seconds() + kSeconds;
  for (int runs = 0; runs < 3 || now_seconds() < end; ++runs) {
    const double start = now_seconds();
    work();
    synchronize_device(device);
    const double took = now_seconds() - start;
    best = runs == 0 ? took : std::min(best, took);
  }
  return best;
}

}  // namespace

Ceilings measure_ceilings(c10::Device device) {
  const at::NoGradGuard guard;
  const auto options = at::TensorOptions().device(device).dtype(at::kFloat);
  Ceilings found;
  {
    const at::Tensor from = at::ones({kElements}, options);
    const at::Tensor to = at::empty_like(from);
    found.bytes_per_second = 2.0 * 4 * kElements / shortest([&] { to.copy_(from); }, device);
  }
  const int64_t n = device.is_cpu() ? 1024 : 8192;
  const at::Tensor left = at::rand({n, n}, options);
  const at::Tensor right = at::rand({n, n}, options);
  at::Tensor product = at::empty({n, n}, options);
  const double cube = static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(n);
  found.flops_per_second = 2 * cube / shortest([&] { at::mm_out(product, left, right); }, device);
  return found;
}

}  // namespace tsharness
