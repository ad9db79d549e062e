#include "core/synthesize.h"

#include <ATen/ATen.h>

#include "core/dtype.h"
#include "core/error.h"

namespace tsharness {

namespace {

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

c10::IValue scalar(const Json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number_integer()) return value.get<int64_t>();
  if (value.is_number()) return value.get<double>();
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return {};
  throw Error(ErrorKind::Usage, "no argument can be made of " + value.dump());
}

}  // namespace

c10::IValue synthesize(const Json& spec) {
  return translating_errors(ErrorKind::Usage, [&]() -> c10::IValue {
    if (spec.contains("value")) return scalar(spec["value"]);
    if (spec.contains("items")) {
      c10::List<at::Tensor> items;
      for (const Json& item : spec["items"]) items.push_back(synthesize_tensor(item));
      return items;
    }
    return synthesize_tensor(spec);
  });
}

}  // namespace tsharness
