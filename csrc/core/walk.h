#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <functional>
#include <map>
#include <string>

namespace tsharness {

/// Visits every tensor of a value tree under the name that docs/comparison.md gives to its place,
/// and everything else that is a leaf. Objects are entered by their attributes.
struct ValueVisitor {
  std::function<void(const std::string& name, const at::Tensor& tensor)> tensor;
  /// Numbers, strings, None, and the length of every list and dict; may be empty.
  std::function<void(const std::string& name, const c10::IValue& leaf)> leaf = {};
};
void walk_value(const std::string& name, const c10::IValue& value, const ValueVisitor& visitor);

/// Every tensor by its name.
std::map<std::string, at::Tensor> tensors_of(const std::string& name, const c10::IValue& value);

/// The same tree with every tensor that is defined replaced by `change(tensor)`.
c10::IValue map_tensors(const c10::IValue& value,
                        const std::function<at::Tensor(const at::Tensor&)>& change);

}  // namespace tsharness
