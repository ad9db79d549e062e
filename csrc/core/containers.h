#pragma once

#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include <string>
#include <vector>

namespace tsharness {

// Containers of values. Where no type is stated, they take the one that the values share, or Any.

c10::IValue make_list(const std::vector<c10::IValue>& values, const c10::TypePtr& element_type);
c10::IValue make_list(const std::vector<c10::IValue>& values);

/// Raises Error(CaseFile) for a key that occurs twice or that TorchScript does not take as a key.
c10::IValue make_dict(const std::vector<c10::IValue>& keys, const std::vector<c10::IValue>& values,
                      const c10::TypePtr& key_type, const c10::TypePtr& value_type);
c10::IValue make_dict(const std::vector<c10::IValue>& keys, const std::vector<c10::IValue>& values);

/// As many fields as values.
c10::IValue make_named_tuple(const std::string& name, const std::vector<std::string>& fields,
                             std::vector<c10::IValue> values);

}  // namespace tsharness
