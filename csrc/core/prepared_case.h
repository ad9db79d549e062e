#pragma once

#include <string>
#include <vector>

#include "core/case_file.h"
#include "core/compare.h"
#include "core/session.h"

namespace tsharness {

/// A case whose values are LibTorch's own, bound to a session, with the tolerance that judges it.
class PreparedCase {
 public:
  /// `tolerance` is a layer over the case's own (core/tolerance.h). `float64_outputs` names the
  /// file of a float64 run that judges instead, if not empty. Raises Error(Usage), Error(Input) as
  /// `Session::bind` does, or Error(CaseFile).
  PreparedCase(const Case& one, const SafetensorsReader& tensors, const Session& session,
               const Json& tolerance = {}, const std::string& float64_outputs = {});

  const std::string& name() const { return name_; }
  size_t calls() const { return bound_.size(); }
  const BoundCall& bound(size_t call) const { return bound_.at(call); }
  const std::vector<BoundCall>& bound() const { return bound_; }
  /// Fresh copies of the inputs, on the session's device.
  BoundCall inputs(size_t call) const { return bound_.at(call).clone(device_); }
  const c10::IValue& expected(size_t call) const { return expected_.at(call); }
  /// What the session gave, in the containers that the case has.
  c10::IValue arranged(size_t call, const c10::IValue& outputs) const {
    return session_.arranged(outputs, expected_.at(call));
  }
  std::vector<OutputComparison> compare(size_t call, const c10::IValue& outputs) const;

 private:
  const Session& session_;
  std::string name_;
  c10::Device device_;
  bool same_device_type_;
  TolerancePolicy policy_;
  std::vector<BoundCall> bound_;
  std::vector<c10::IValue> expected_;
  std::vector<c10::IValue> exact_;  ///< of a float64 run, if there is one
};

}  // namespace tsharness
