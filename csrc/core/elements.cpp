#include "core/elements.h"

#include <ATen/ATen.h>

#include <map>
#include <mutex>

namespace tsharness {

const std::vector<double>& byte_float_values(at::ScalarType dtype) {
  static std::mutex mutex;
  static std::map<at::ScalarType, std::vector<double>> tables;
  const std::lock_guard<std::mutex> lock(mutex);
  auto& table = tables[dtype];
  if (table.empty()) {
    const at::Tensor bytes = at::arange(256, at::kByte);
    const at::Tensor values = bytes.view(dtype).to(at::kFloat).to(at::kDouble);
    table.assign(values.data_ptr<double>(), values.data_ptr<double>() + 256);
  }
  return table;
}

}  // namespace tsharness
