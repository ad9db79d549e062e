#pragma once

#include <cstdint>
#include <vector>

#include "core/compare_tensors.h"
#include "core/partial_difference.h"

namespace tsharness {

/// What the sums over all elements say, without the worst element. `histogram` holds the finite
/// absolute errors by error_bin.
TensorDifference figures_of(const PartialDifference& whole, const std::vector<uint64_t>& histogram,
                            int64_t numel);

}  // namespace tsharness
