#include "core/sparse.h"

#include <ATen/ATen.h>

namespace tsharness {

namespace {

bool columns_compressed(const at::Tensor& tensor) {
  return tensor.layout() == c10::kSparseCsc || tensor.layout() == c10::kSparseBsc;
}

}  // namespace

at::Tensor compressed_indices(const at::Tensor& tensor) {
  return columns_compressed(tensor) ? tensor.ccol_indices() : tensor.crow_indices();
}

at::Tensor plain_indices(const at::Tensor& tensor) {
  return columns_compressed(tensor) ? tensor.row_indices() : tensor.col_indices();
}

}  // namespace tsharness
