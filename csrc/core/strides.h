#pragma once

#include <cstdint>
#include <vector>

namespace tsharness {

/// Sizes or strides, in elements.
using Dims = std::vector<int64_t>;

/// Strides of a contiguous tensor. Raises Error(CaseFile) if they overflow.
Dims contiguous_strides(const Dims& shape);

/// Elements from the first to the last that shape and strides reach. Raises Error(CaseFile) if the
/// number overflows.
int64_t span(const Dims& shape, const Dims& strides);

/// Visits the storage offset (in elements) of every element, in the order of the logical indices.
template <class Visit>
void for_each_offset(const Dims& shape, const Dims& strides, Visit&& visit) {
  Dims index(shape.size(), 0);
  int64_t offset = 0;
  while (true) {
    visit(offset);
    size_t dim = shape.size();
    while (dim-- > 0) {
      offset += strides[dim];
      if (++index[dim] < shape[dim]) break;
      offset -= strides[dim] * shape[dim];
      index[dim] = 0;
    }
    if (dim == static_cast<size_t>(-1)) return;
  }
}

}  // namespace tsharness
