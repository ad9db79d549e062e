#pragma once

#include <string>
#include <vector>

#include "core/compare.h"
#include "runner/steps.h"

namespace tsharness {

/// A case whose values are LibTorch's own, with the tolerance of a step.
class PreparedCase {
 public:
  PreparedCase(const Case& one, const Json& step, JobState& state);

  const std::string& name() const { return name_; }
  size_t calls() const { return bound_.size(); }
  const BoundCall& bound(size_t call) const { return bound_.at(call); }
  const std::vector<BoundCall>& bound() const { return bound_; }
  /// Fresh copies of the inputs, on the session's device.
  BoundCall inputs(size_t call) const { return bound_.at(call).clone(device_); }
  const c10::IValue& expected(size_t call) const { return expected_.at(call); }
  std::vector<OutputComparison> compare(size_t call, const c10::IValue& actual) const;

 private:
  std::string name_;
  c10::Device device_;
  bool same_device_type_;
  TolerancePolicy policy_;
  std::vector<BoundCall> bound_;
  std::vector<c10::IValue> expected_;
  std::vector<c10::IValue> exact_;  ///< of a float64 run, if the step names the file
};

/// The cases that a step names (all, if it names none).
std::vector<PreparedCase> prepare_cases(const Json& step, JobState& state);

}  // namespace tsharness
