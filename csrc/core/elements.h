#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <type_traits>
#include <vector>

namespace tsharness {

/// One-byte floats (float8 of every kind) by their 256 values.
struct ByteFloat {
  uint8_t bits;
};

template <class T>
constexpr bool kIsComplex = c10::is_complex<T>::value;
template <class T>
constexpr bool kIsFloating =
    std::is_floating_point<T>::value || std::is_same<T, c10::Half>::value ||
    std::is_same<T, c10::BFloat16>::value;

/// Reads runs of elements in logical order, whatever the strides.
template <class T>
class Elements {
 public:
  explicit Elements(const at::Tensor& tensor)
      : data_(static_cast<const T*>(tensor.data_ptr())),
        contiguous_(tensor.is_contiguous()),
        sizes_(tensor.sizes().vec()),
        strides_(tensor.strides().vec()) {}

  /// `count` elements from flat index `start` on: in place if contiguous, else through `buffer`.
  const T* read(int64_t start, int count, T* buffer) const {
    if (contiguous_) return data_ + start;
    for (int i = 0; i < count; ++i) buffer[i] = data_[offset(start + i)];
    return buffer;
  }

 private:
  int64_t offset(int64_t flat) const {
    int64_t result = 0;
    for (size_t dim = sizes_.size(); dim-- > 0;) {
      result += flat % sizes_[dim] * strides_[dim];
      flat /= sizes_[dim];
    }
    return result;
  }

  const T* data_;
  bool contiguous_;
  std::vector<int64_t> sizes_;
  std::vector<int64_t> strides_;
};

/// Value of each of the 256 bytes of a one-byte float dtype.
const std::vector<double>& byte_float_values(at::ScalarType dtype);

}  // namespace tsharness
