#include "core/strides.h"

#include <algorithm>

#include "core/error.h"

namespace tsharness {

namespace {

[[noreturn]] void overflow() {
  throw Error(ErrorKind::CaseFile, "tensor node: shape and strides overflow");
}

}  // namespace

Dims contiguous_strides(const Dims& shape) {
  Dims strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;) {
    const int64_t extent = std::max<int64_t>(shape[i], 1);
    if (__builtin_mul_overflow(strides[i], extent, &strides[i - 1])) overflow();
  }
  return strides;
}

int64_t span(const Dims& shape, const Dims& strides) {
  int64_t last = 0;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0) return 0;
    int64_t step = 0;
    if (__builtin_mul_overflow(shape[i] - 1, strides[i], &step) ||
        __builtin_add_overflow(last, step, &last)) {
      overflow();
    }
  }
  return last + 1;
}

}  // namespace tsharness
