#include "core/synthesize.h"

#include <ATen/ATen.h>

#include "core/containers.h"
#include "core/dtype.h"
#include "core/error.h"

namespace tsharness {

namespace {

using c10::IValue;
using c10::TypeKind;
using c10::TypePtr;

at::Tensor synthesize_tensor(const Json& spec) {
  const auto dtype = scalar_type(dtype_by_name(spec.at("dtype").get<std::string>()));
  const auto dims = spec.at("dims").get<std::vector<int64_t>>();
  const bool ranged = spec.contains("low") && !spec["low"].is_null();
  if (c10::isFloatingType(dtype) || c10::isComplexType(dtype)) {
    const auto wide = c10::isComplexType(dtype) ? at::kComplexFloat : at::kFloat;
    if (!ranged) return at::randn(dims, wide).to(dtype);
    const double low = spec["low"].get<double>();
    const double high = spec.at("high").get<double>();
    return (at::rand(dims, at::kFloat) * (high - low) + low).to(dtype);
  }
  const auto low = ranged ? static_cast<int64_t>(spec["low"].get<double>()) : 0;
  const auto high = ranged ? static_cast<int64_t>(spec.at("high").get<double>()) : 1;
  return at::randint(low, high + 1, dims, at::kLong).to(dtype);
}

IValue scalar(const Json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number_integer()) return value.get<int64_t>();
  if (value.is_number()) return value.get<double>();
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return {};
  throw Error(ErrorKind::Usage, "no argument can be made of " + value.dump());
}

/// Of a container's declared type, if it is one of that kind.
TypePtr contained(const TypePtr& type, TypeKind kind, size_t index) {
  if (type == nullptr || type->kind() != kind) return nullptr;
  const auto inner = type->containedTypes();
  return index < inner.size() ? inner[index] : nullptr;
}

std::vector<IValue> values(const Json& specs, const TypePtr& type, TypeKind kind, bool each) {
  std::vector<IValue> made;
  for (const Json& spec : specs) {
    made.push_back(synthesize(spec, contained(type, kind, each ? made.size() : 0)));
  }
  return made;
}

IValue list(const Json& items, const TypePtr& type) {
  const TypePtr element = contained(type, TypeKind::ListType, 0);
  const auto made = values(items, type, TypeKind::ListType, false);
  return element == nullptr ? make_list(made) : make_list(made, element);
}

IValue dict(const Json& entries, const TypePtr& type) {
  const TypePtr element = contained(type, TypeKind::DictType, 1);
  std::vector<IValue> keys;
  std::vector<IValue> made;
  for (const Json& entry : entries) {
    keys.emplace_back(entry.at("name").get<std::string>());
    made.push_back(synthesize(entry, element));
  }
  if (element == nullptr) return make_dict(keys, made);
  return make_dict(keys, made, contained(type, TypeKind::DictType, 0), element);
}

}  // namespace

IValue synthesize(const Json& spec, const TypePtr& type) {
  if (type != nullptr && type->kind() == TypeKind::OptionalType) {
    return synthesize(spec, type->containedTypes().at(0));
  }
  return translating_errors(ErrorKind::Usage, [&]() -> IValue {
    if (spec.contains("value")) return scalar(spec["value"]);
    if (spec.contains("items")) return list(spec["items"], type);
    if (spec.contains("entries")) return dict(spec["entries"], type);
    if (spec.contains("elements")) {
      return c10::ivalue::Tuple::create(values(spec["elements"], type, TypeKind::TupleType, true));
    }
    return synthesize_tensor(spec);
  });
}

}  // namespace tsharness
