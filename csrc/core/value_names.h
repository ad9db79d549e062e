#pragma once

#include <ATen/core/ivalue.h>

#include <string>
#include <vector>

namespace tsharness {

// How values and their places are called in messages and reports (docs/comparison.md).

/// Python's name of a value's type: "Tensor", "dict", "None", ...
std::string kind_of(const c10::IValue& value);

/// Field names of a named tuple; empty for a plain one.
std::vector<std::string> field_names(const c10::ivalue::Tuple& tuple);

/// A dict's key as text.
std::string key_text(const c10::IValue& key);

/// Name of the element of a list or tuple: "output[1]".
std::string index_name(const std::string& parent, size_t index);

/// Name of the value of a dict or the field of a named tuple: "logits", "aux.logits".
std::string member_name(const std::string& parent, const std::string& member);

}  // namespace tsharness
