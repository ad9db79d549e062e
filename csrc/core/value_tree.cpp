#include "core/value_tree.h"

#include <ATen/core/jit_type.h>

#include <cmath>
#include <cstring>

#include "core/containers.h"
#include "core/dtype.h"
#include "core/error.h"
#include "core/tensor_io.h"
#include "core/walk.h"

namespace tsharness {

namespace {

using c10::IValue;
using c10::TypeKind;
using c10::TypePtr;

[[noreturn]] void bad_tree(const std::string& what) { throw Error(ErrorKind::CaseFile, what); }

/// Finite numbers stand as numbers; inf and nan as the hex digits of their bits, which keeps
/// sign and payload.
double decode_float(const Json& node) {
  if (node.is_number()) return node.get<double>();
  if (!node.is_string()) bad_tree("a float must be a number or 16 hex digits");
  const auto text = node.get<std::string>();
  if (text.size() != 16 || text.find_first_not_of("0123456789abcdef") != std::string::npos) {
    bad_tree("a float must be a number or 16 hex digits, got '" + text + "'");
  }
  const uint64_t bits = std::stoull(text, nullptr, 16);
  double value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

Json encode_float(double value) {
  if (std::isfinite(value)) return value;
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(bits));
  return text;
}

TypePtr element_type(const TypePtr& container, size_t index) {
  return container == nullptr ? nullptr : container->containedTypes().at(index);
}

class Decoder {
 public:
  explicit Decoder(const SafetensorsReader& file) : file_(file) {}

  IValue decode(const Json& node, TypePtr type) const {
    type = strip(node, std::move(type));
    switch (node.type()) {
      case JsonType::null:
        return IValue();
      case JsonType::boolean:
        return IValue(node.get<bool>());
      case JsonType::number_integer:
      case JsonType::number_unsigned:
        return integer(node, type);
      case JsonType::string:
        return IValue(node.get<std::string>());
      case JsonType::object:
        return object(node, type);
      default:
        bad_tree("unexpected " + std::string(node.type_name()) + " in a value tree");
    }
  }

 private:
  /// Optional[T] of a value that is there is T; a type that leaves the choice open says nothing.
  static TypePtr strip(const Json& node, TypePtr type) {
    if (type == nullptr) return nullptr;
    if (type->kind() == TypeKind::OptionalType && !node.is_null()) return element_type(type, 0);
    const bool open = type->kind() == TypeKind::AnyType || type->kind() == TypeKind::UnionType ||
                      type->kind() == TypeKind::VarType;
    return open ? nullptr : type;
  }

  static IValue integer(const Json& node, const TypePtr& type) {
    if (node.is_number_unsigned() && node.get<uint64_t>() > INT64_MAX)
      bad_tree("int beyond 64 bits");
    const auto value = node.get<int64_t>();
    if (type != nullptr && type->kind() == TypeKind::FloatType) return IValue(double(value));
    return IValue(value);
  }

  IValue object(const Json& node, const TypePtr& type) const {
    if (is_tensor_node(node)) return IValue(decode_tensor(node, file_));
    if (node.contains("list")) return list(node, type);
    if (node.contains("tuple")) return tuple(node.at("tuple"), type);
    if (node.contains("namedtuple")) return named_tuple(node.at("namedtuple"), type);
    if (node.contains("dict")) return dict(node, type);
    if (node.contains("float")) return IValue(decode_float(node.at("float")));
    if (node.contains("complex")) return complex(node);
    if (node.contains("device")) return device(node);
    if (node.contains("dtype")) {
      const auto& name = require(node, "dtype", JsonType::string, "dtype node");
      return IValue(int64_t(dtype_by_name(name.get<std::string>()).code));
    }
    bad_tree("unknown node in a value tree: " + node.dump().substr(0, 80));
  }

  static IValue complex(const Json& node) {
    const Json& parts = require(node, "complex", JsonType::array, "complex node");
    if (parts.size() != 2) bad_tree("a complex number needs two parts");
    return IValue(c10::complex<double>(decode_float(parts[0]), decode_float(parts[1])));
  }

  static IValue device(const Json& node) {
    const auto& name = require(node, "device", JsonType::string, "device node");
    return translating_errors(ErrorKind::CaseFile,
                              [&] { return IValue(c10::Device(name.get<std::string>())); });
  }

  std::vector<IValue> elements(const Json& nodes, const TypePtr& type) const {
    std::vector<IValue> values;
    values.reserve(nodes.size());
    for (const Json& node : nodes) values.push_back(decode(node, type));
    return values;
  }

  IValue list(const Json& node, const TypePtr& type) const {
    const Json& nodes = require(node, "list", JsonType::array, "list node");
    const bool known = type != nullptr && type->kind() == TypeKind::ListType;
    const TypePtr wanted = known ? element_type(type, 0) : nullptr;
    const auto values = elements(nodes, wanted);
    return known ? make_list(values, wanted) : make_list(values);
  }

  IValue tuple(const Json& nodes, const TypePtr& type) const {
    if (!nodes.is_array()) bad_tree("a tuple node must hold an array");
    const auto wanted = type == nullptr ? nullptr : type->cast<c10::TupleType>();
    std::vector<IValue> values;
    for (size_t i = 0; i < nodes.size(); ++i) {
      const bool known = wanted != nullptr && i < wanted->elements().size();
      values.push_back(decode(nodes[i], known ? wanted->elements()[i] : nullptr));
    }
    if (wanted != nullptr && wanted->schema() != nullptr &&
        wanted->elements().size() == values.size()) {
      return c10::ivalue::Tuple::createNamed(std::move(values), wanted);
    }
    return c10::ivalue::Tuple::create(std::move(values));
  }

  IValue named_tuple(const Json& node, const TypePtr& type) const {
    if (type != nullptr) return tuple(require(node, "values", JsonType::array, "namedtuple"), type);
    const auto& name = require(node, "name", JsonType::string, "namedtuple");
    const auto& nodes = require(node, "values", JsonType::array, "namedtuple");
    std::vector<std::string> fields;
    for (const Json& field : require(node, "fields", JsonType::array, "namedtuple")) {
      if (!field.is_string()) bad_tree("a field of a namedtuple must be a string");
      fields.push_back(field.get<std::string>());
    }
    if (fields.size() != nodes.size()) bad_tree("a namedtuple needs as many fields as values");
    auto values = elements(nodes, nullptr);
    return make_named_tuple(name.get<std::string>(), fields, std::move(values));
  }

  IValue dict(const Json& node, const TypePtr& type) const {
    const Json& pairs = require(node, "dict", JsonType::array, "dict node");
    const bool known = type != nullptr && type->kind() == TypeKind::DictType;
    std::vector<IValue> keys;
    std::vector<IValue> values;
    for (const Json& pair : pairs) {
      if (!pair.is_array() || pair.size() != 2) bad_tree("a dict item must be a pair");
      keys.push_back(decode(pair[0], known ? element_type(type, 0) : nullptr));
      values.push_back(decode(pair[1], known ? element_type(type, 1) : nullptr));
    }
    if (known) return make_dict(keys, values, element_type(type, 0), element_type(type, 1));
    return make_dict(keys, values);
  }

  const SafetensorsReader& file_;
};

Json encode_list(const IValue& value, SafetensorsWriter& file) {
  Json nodes = Json::array();
  const auto list = value.toList();
  for (size_t i = 0; i < list.size(); ++i) nodes.push_back(encode_value(list.get(i), file));
  return {{"list", nodes}};
}

Json encode_tuple(const IValue& value, SafetensorsWriter& file) {
  Json nodes = Json::array();
  const auto& tuple = value.toTupleRef();
  for (const IValue& element : tuple.elements()) nodes.push_back(encode_value(element, file));
  const auto type = tuple.type();
  const auto schema = type->schema();
  if (schema == nullptr) return {{"tuple", nodes}};
  Json fields = Json::array();
  for (const auto& argument : schema->arguments()) fields.push_back(argument.name());
  const std::string name = type->name() ? type->name()->name() : schema->name();
  return {{"namedtuple", {{"name", name}, {"fields", fields}, {"values", nodes}}}};
}

Json encode_dict(const IValue& value, SafetensorsWriter& file) {
  Json pairs = Json::array();
  for (const auto& item : value.toGenericDict()) {
    pairs.push_back(
        Json::array({encode_value(item.key(), file), encode_value(item.value(), file)}));
  }
  return {{"dict", pairs}};
}

}  // namespace

IValue decode_value(const Json& node, const SafetensorsReader& file, const TypePtr& type) {
  return Decoder(file).decode(node, type);
}

Json encode_value(const IValue& value, SafetensorsWriter& file) {
  if (value.isNone()) return nullptr;
  if (value.isTensor()) {
    return value.toTensor().defined() ? encode_tensor(value.toTensor(), file) : Json(nullptr);
  }
  if (value.isBool()) return value.toBool();
  if (value.isInt()) return value.toInt();
  if (value.isDouble()) return {{"float", encode_float(value.toDouble())}};
  if (value.isComplexDouble()) {
    const auto number = value.toComplexDouble();
    return {{"complex", {encode_float(number.real()), encode_float(number.imag())}}};
  }
  if (value.isString()) return value.toStringRef();
  if (value.isDevice()) return {{"device", value.toDevice().str()}};
  if (value.isList()) return encode_list(value, file);
  if (value.isTuple()) return encode_tuple(value, file);
  if (value.isGenericDict()) return encode_dict(value, file);
  throw Error(ErrorKind::Input, "a value of type " + value.type()->annotation_str() +
                                    " cannot be compared or stored; return tensors, numbers, "
                                    "strings, lists, tuples or dicts");
}

IValue clone_value(const IValue& value, c10::Device device) {
  return map_tensors(value,
                     [&](const at::Tensor& tensor) { return clone_exactly(tensor, device); });
}

}  // namespace tsharness
