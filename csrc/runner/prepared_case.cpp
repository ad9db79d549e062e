#include "runner/prepared_case.h"

#include "core/float64.h"
#include "core/value_tree.h"

namespace tsharness {

PreparedCase::PreparedCase(const Case& one, const Json& step, JobState& state)
    : name_(one.name),
      device_(state.loaded().device()),
      same_device_type_(device_.str().rfind(one.device, 0) == 0),
      policy_({one.tolerance, step.value("tolerance", Json())}, device_.type()) {
  const auto& tensors = state.case_file().tensors();
  for (const Call& call : one.calls) {
    bound_.push_back(state.loaded().bind(call, tensors));
    expected_.push_back(decode_value(call.outputs, tensors));
  }
  const auto exact = step.value("float64_outputs", std::string());
  if (exact.empty()) return;
  const CaseFile file({exact});
  for (const Call& call : file.find(name_).calls) {
    // Copies: the file's mapping goes with it.
    exact_.push_back(clone_value(decode_value(call.outputs, file.tensors()), at::kCPU));
  }
}

std::vector<OutputComparison> PreparedCase::compare(size_t call, const c10::IValue& actual) const {
  auto compared = compare_values(actual, expected_.at(call), policy_, same_device_type_);
  if (!exact_.empty()) judge_by_float64(actual, expected_.at(call), exact_.at(call), compared);
  return compared;
}

std::vector<PreparedCase> prepare_cases(const Json& step, JobState& state) {
  std::vector<PreparedCase> cases;
  for (const std::string& name : case_names(step, state)) {
    cases.emplace_back(state.case_file().find(name), step, state);
  }
  return cases;
}

}  // namespace tsharness
