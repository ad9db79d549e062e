#include "core/tolerance.h"

#include "core/rules.h"

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

void set_from(const Json& layer, Tolerance& tolerance) {
  if (layer.value("exact", false)) tolerance = {0, 0, true};
  if (layer.contains("rtol")) tolerance.rtol = layer.at("rtol").get<double>();
  if (layer.contains("atol")) tolerance.atol = layer.at("atol").get<double>();
}

/// What stands for that output alone; an empty object if nothing does.
Json of_output(const Json& rules, const std::string& output) {
  if (!rules.contains("outputs")) return Json::object();
  return rules.at("outputs").value(output, Json::object());
}

bool has_rule(const Json& rules) {
  for (const char* name : {"rtol", "atol", "exact", "accept"}) {
    if (rules.contains(name)) return true;
  }
  return false;
}

bool judges(const Json& rules, const std::string& output) {
  return rules.is_object() && (has_rule(rules) || has_rule(of_output(rules, output)));
}

}  // namespace

Tolerance default_tolerance(ScalarType dtype, c10::DeviceType device) {
  return device == c10::DeviceType::CPU ? on_cpu(dtype) : on_other_device(dtype);
}

TolerancePolicy::TolerancePolicy(Json of_file, Json stated, c10::DeviceType device)
    : of_file_(std::move(of_file)), stated_(std::move(stated)), device_(device) {
  check_rules(of_file_, ErrorKind::CaseFile, "the case file's tolerance");
  check_rules(stated_, ErrorKind::Usage, "the tolerance that was asked for");
}

int64_t TolerancePolicy::topk() const {
  const int64_t of_file = of_file_.is_object() ? of_file_.value("topk", int64_t{0}) : 0;
  return stated_.is_object() ? stated_.value("topk", of_file) : of_file;
}

const Json& TolerancePolicy::rules_for(const std::string& output) const {
  static const Json nothing;
  if (judges(stated_, output)) return stated_;
  return judges(of_file_, output) ? of_file_ : nothing;
}

const char* TolerancePolicy::set_by(const std::string& output, ScalarType dtype) const {
  if (!has_tolerance(dtype)) return "table";
  const Json& rules = rules_for(output);
  return rules.is_null() ? "table" : &rules == &stated_ ? "user" : "file";
}

Json TolerancePolicy::accept(const std::string& output, ScalarType dtype) const {
  const Json& rules = rules_for(output);
  if (!has_tolerance(dtype) || rules.is_null()) return {};
  const Json own = of_output(rules, output);
  return own.contains("accept") ? own.at("accept") : rules.value("accept", Json());
}

Tolerance TolerancePolicy::of(const std::string& output, ScalarType dtype) const {
  Tolerance tolerance = default_tolerance(dtype, device_);
  if (!has_tolerance(dtype)) return {0, 0, true};
  const Json& rules = rules_for(output);
  if (!rules.is_null()) {
    set_from(rules, tolerance);
    set_from(of_output(rules, output), tolerance);
  }
  if (stated_.is_object() && stated_.value("normwise", false) && !tolerance.exact) {
    tolerance.of_largest = (c10::elementSize(dtype) < 4 ? 1 : 8) * tolerance.rtol;
  }
  return tolerance;
}

}  // namespace tsharness
