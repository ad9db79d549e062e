#include "core/value_names.h"

#include <ATen/core/Tensor.h>
#include <ATen/core/function_schema.h>
#include <ATen/core/jit_type.h>

#include <sstream>

namespace tsharness {

using c10::IValue;

std::string kind_of(const IValue& value) {
  if (value.isNone()) return "None";
  if (value.isTensor()) return value.toTensor().defined() ? "Tensor" : "None";
  if (value.isBool()) return "bool";
  if (value.isInt()) return "int";
  if (value.isDouble()) return "float";
  if (value.isComplexDouble()) return "complex";
  if (value.isString()) return "str";
  if (value.isDevice()) return "device";
  if (value.isList()) return "list";
  if (value.isTuple()) return "tuple";
  if (value.isGenericDict()) return "dict";
  return value.type()->annotation_str();
}

std::vector<std::string> field_names(const c10::ivalue::Tuple& tuple) {
  std::vector<std::string> names;
  const auto schema = tuple.type()->schema();
  if (schema == nullptr) return names;
  for (const auto& argument : schema->arguments()) names.push_back(argument.name());
  return names;
}

std::string key_text(const IValue& key) {
  if (key.isString()) return key.toStringRef();
  std::ostringstream text;
  if (key.isTensor()) {
    text << "<tensor key>";
  } else {
    text << key;
  }
  return text.str();
}

std::string index_name(const std::string& parent, size_t index) {
  return parent + "[" + std::to_string(index) + "]";
}

std::string member_name(const std::string& parent, const std::string& member) {
  return parent == "output" ? member : parent + "." + member;
}

}  // namespace tsharness
