#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <cstdint>
#include <string>
#include <vector>

namespace tsharness {

/// 64 bits that two values share exactly if every number, string, shape, dtype and byte of theirs
/// is the same, but for one chance in 2^64 or so. Not a defence against somebody who tries.
uint64_t fingerprint(const c10::IValue& value);

/// NaN and infinity in one tensor of a value.
struct Nonfinite {
  std::string name;
  int64_t nan = 0;
  int64_t infinite = 0;
};

/// Every tensor of floating point (complex: its parts) that holds a NaN or an infinity.
std::vector<Nonfinite> find_nonfinite(const std::string& name, const c10::IValue& value);

/// The largest magnitude among a tensor's finite values; 0 if it has none.
double largest_finite(const at::Tensor& tensor);

/// The same without sentinels, such as the -1e9 of a mask, and padding: magnitudes of at least 1e4
/// that are alike to a tenth and a thousand times as large as all that are not. They are written
/// there, not summed from what is ordinary, so that its rounding says nothing about theirs, nor
/// theirs about its. The largest of all where there is nothing else.
double largest_ordinary(const at::Tensor& tensor);

/// Two tensors that look into one storage.
struct Alias {
  std::string name;
  std::string other;
};

/// Tensors of `value` that share their memory with one of `other`; empty tensors share nothing.
std::vector<Alias> find_aliases(const std::string& name, const c10::IValue& value,
                                const std::string& other_name, const c10::IValue& other);

}  // namespace tsharness
