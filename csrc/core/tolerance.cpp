#include "core/tolerance.h"

namespace tsharness {

namespace {

using c10::ScalarType;

bool has_tolerance(ScalarType dtype) {
  return c10::isFloatingType(dtype) || c10::isComplexType(dtype) || c10::isQIntType(dtype);
}

/// torch.testing.assert_close has no entry for dtypes that are not in this table: exact.
Tolerance on_cpu(ScalarType dtype) {
  switch (dtype) {
    case ScalarType::Half:
    case ScalarType::ComplexHalf:
      return {1e-3, 1e-5};
    case ScalarType::BFloat16:
      return {1.6e-2, 1e-5};
    case ScalarType::Float:
    case ScalarType::ComplexFloat:
    case ScalarType::QUInt8:
    case ScalarType::QInt8:
    case ScalarType::QInt32:
    case ScalarType::QUInt4x2:
    case ScalarType::QUInt2x4:
      return {1.3e-6, 1e-5};
    case ScalarType::Double:
    case ScalarType::ComplexDouble:
      return {1e-7, 1e-7};
    default:
      return {};
  }
}

/// Kernels of another device sum in another order and may use reduced-precision units.
Tolerance on_other_device(ScalarType dtype) {
  switch (dtype) {
    case ScalarType::Half:
    case ScalarType::ComplexHalf:
      return {1e-2, 1e-3};
    case ScalarType::BFloat16:
      return {5e-2, 1e-2};
    case ScalarType::Float:
    case ScalarType::ComplexFloat:
      return {1e-3, 1e-4};
    case ScalarType::Double:
    case ScalarType::ComplexDouble:
      return {1e-6, 1e-7};
    default:
      return on_cpu(dtype);
  }
}

void apply(const Json& layer, Tolerance& tolerance) {
  if (layer.contains("exact")) tolerance = {0, 0, layer.at("exact").get<bool>()};
  if (layer.contains("rtol")) tolerance.rtol = layer.at("rtol").get<double>();
  if (layer.contains("atol")) tolerance.atol = layer.at("atol").get<double>();
}

}  // namespace

Tolerance default_tolerance(ScalarType dtype, c10::DeviceType device) {
  return device == c10::DeviceType::CPU ? on_cpu(dtype) : on_other_device(dtype);
}

int64_t TolerancePolicy::topk() const {
  int64_t k = 0;
  for (const Json& layer : layers_) {
    if (layer.is_object()) k = layer.value("topk", k);
  }
  return k;
}

Json TolerancePolicy::accept(const std::string& output, ScalarType dtype) const {
  Json found;
  if (!has_tolerance(dtype)) return found;
  for (const Json& layer : layers_) {
    if (!layer.is_object()) continue;
    if (layer.contains("accept")) found = layer.at("accept");
    const auto outputs = layer.find("outputs");
    if (outputs == layer.end() || !outputs->contains(output)) continue;
    if (outputs->at(output).contains("accept")) found = outputs->at(output).at("accept");
  }
  return found;
}

Tolerance TolerancePolicy::of(const std::string& output, ScalarType dtype) const {
  Tolerance tolerance = default_tolerance(dtype, device_);
  if (!has_tolerance(dtype)) return {0, 0, true};
  for (const Json& layer : layers_) {
    if (!layer.is_object()) continue;
    apply(layer, tolerance);
    const auto outputs = layer.find("outputs");
    if (outputs != layer.end() && outputs->contains(output)) apply(outputs->at(output), tolerance);
  }
  for (const Json& layer : layers_) {
    if (layer.is_object() && layer.value("normwise", false) && !tolerance.exact) {
      tolerance.of_largest = (c10::elementSize(dtype) < 4 ? 1 : 8) * tolerance.rtol;
    }
  }
  return tolerance;
}

}  // namespace tsharness
