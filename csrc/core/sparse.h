#pragma once

#include <ATen/core/Tensor.h>

namespace tsharness {

// The two index tensors of a compressed sparse tensor (CSR, CSC, BSR, BSC), whichever dim is the
// compressed one.

at::Tensor compressed_indices(const at::Tensor& tensor);
at::Tensor plain_indices(const at::Tensor& tensor);

}  // namespace tsharness
