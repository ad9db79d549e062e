#include "core/walk.h"

#include "core/value_names.h"

namespace tsharness {

namespace {

using c10::IValue;

void walk_object(const std::string& name, const IValue& value, const ValueVisitor& visitor) {
  const auto& object = value.toObjectRef();
  const auto type = object.type();
  for (size_t i = 0; i < object.slots().size(); ++i) {
    const std::string& attribute = type->getAttributeName(i);
    walk_value(name.empty() ? attribute : name + "." + attribute, object.getSlot(i), visitor);
  }
}

void walk_tuple(const std::string& name, const IValue& value, const ValueVisitor& visitor) {
  const auto& tuple = value.toTupleRef();
  const auto fields = field_names(tuple);
  for (size_t i = 0; i < tuple.elements().size(); ++i) {
    const std::string child = fields.empty() ? index_name(name, i) : member_name(name, fields[i]);
    walk_value(child, tuple.elements()[i], visitor);
  }
}

void leaf(const std::string& name, const IValue& value, const ValueVisitor& visitor) {
  if (visitor.leaf) visitor.leaf(name, value);
}

}  // namespace

void walk_value(const std::string& name, const IValue& value, const ValueVisitor& visitor) {
  if (value.isTensor()) {
    if (value.toTensor().defined()) visitor.tensor(name, value.toTensor());
  } else if (value.isObject()) {
    walk_object(name, value, visitor);
  } else if (value.isTuple()) {
    walk_tuple(name, value, visitor);
  } else if (value.isList()) {
    const auto list = value.toList();
    leaf(name, IValue(static_cast<int64_t>(list.size())), visitor);
    for (size_t i = 0; i < list.size(); ++i) {
      walk_value(index_name(name, i), list.get(i), visitor);
    }
  } else if (value.isGenericDict()) {
    const auto dict = value.toGenericDict();
    leaf(name, IValue(static_cast<int64_t>(dict.size())), visitor);
    for (const auto& item : dict) {
      walk_value(member_name(name, key_text(item.key())), item.value(), visitor);
    }
  } else {
    leaf(name, value, visitor);
  }
}

std::map<std::string, at::Tensor> tensors_of(const std::string& name, const IValue& value) {
  std::map<std::string, at::Tensor> found;
  ValueVisitor visitor;
  visitor.tensor = [&](const std::string& at, const at::Tensor& tensor) {
    found.emplace(at, tensor);
  };
  walk_value(name, value, visitor);
  return found;
}

IValue map_tensors(const IValue& value,
                   const std::function<at::Tensor(const at::Tensor&)>& change) {
  if (value.isTensor()) {
    return value.toTensor().defined() ? IValue(change(value.toTensor())) : value;
  }
  if (value.isList()) {
    const auto list = value.toList();
    c10::impl::GenericList copy(list.elementType());
    for (size_t i = 0; i < list.size(); ++i) copy.push_back(map_tensors(list.get(i), change));
    return IValue(copy);
  }
  if (value.isTuple()) {
    const auto& tuple = value.toTupleRef();
    std::vector<IValue> elements;
    for (const IValue& element : tuple.elements()) elements.push_back(map_tensors(element, change));
    if (tuple.type()->schema() == nullptr) return c10::ivalue::Tuple::create(std::move(elements));
    return c10::ivalue::Tuple::createNamed(std::move(elements), tuple.type());
  }
  if (value.isGenericDict()) {
    const auto dict = value.toGenericDict();
    c10::impl::GenericDict copy(dict.keyType(), dict.valueType());
    for (const auto& item : dict) {
      copy.insert(map_tensors(item.key(), change), map_tensors(item.value(), change));
    }
    return IValue(copy);
  }
  return value;
}

}  // namespace tsharness
