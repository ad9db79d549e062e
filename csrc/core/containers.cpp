#include "core/containers.h"

#include <algorithm>

#include "core/error.h"

namespace tsharness {

using c10::IValue;
using c10::TypeKind;
using c10::TypePtr;

namespace {

/// The one type that all values share, else Any.
TypePtr common_type(const std::vector<IValue>& values) {
  if (values.empty()) return c10::AnyType::get();
  const TypePtr first = values[0].type();
  for (const IValue& value : values) {
    if (*value.type() != *first) return c10::AnyType::get();
  }
  // A tensor's own type carries nothing that a container of tensors should insist on.
  return first->kind() == TypeKind::TensorType ? TypePtr(c10::TensorType::get()) : first;
}

bool mentions_any(const TypePtr& type) {
  if (type->kind() == TypeKind::AnyType) return true;
  const auto inner = type->containedTypes();
  return std::any_of(inner.begin(), inner.end(), mentions_any);
}

}  // namespace

IValue make_list(const std::vector<IValue>& values) {
  return make_list(values, common_type(values));
}

IValue make_list(const std::vector<IValue>& values, const TypePtr& element_type) {
  c10::impl::GenericList list(element_type);
  list.reserve(values.size());
  for (const IValue& value : values) list.push_back(value);
  return IValue(list);
}

IValue make_dict(const std::vector<IValue>& keys, const std::vector<IValue>& values) {
  // Any cannot be a key; an empty dict needs some key type all the same.
  const TypePtr key_type = keys.empty() ? TypePtr(c10::StringType::get()) : common_type(keys);
  return make_dict(keys, values, key_type, common_type(values));
}

IValue make_dict(const std::vector<IValue>& keys, const std::vector<IValue>& values,
                 const TypePtr& key_type, const TypePtr& value_type) {
  c10::impl::GenericDict dict(key_type, value_type);
  translating_errors(ErrorKind::CaseFile, [&] {
    for (size_t i = 0; i < keys.size(); ++i) dict.insert(keys[i], values[i]);
  });
  if (dict.size() != keys.size()) throw Error(ErrorKind::CaseFile, "a key of a dict occurs twice");
  return IValue(dict);
}

IValue make_named_tuple(const std::string& name, const std::vector<std::string>& fields,
                        std::vector<IValue> values) {
  std::vector<TypePtr> types;
  for (const IValue& value : values) {
    const TypePtr type = common_type({value});
    // TorchScript forbids Any in a named tuple's type; the values themselves do not care.
    types.push_back(mentions_any(type) ? TypePtr(c10::NoneType::get()) : type);
  }
  auto type = c10::TupleType::createNamed(name, fields, types);
  return c10::ivalue::Tuple::createNamed(std::move(values), type);
}

}  // namespace tsharness
