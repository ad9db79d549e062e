#include "core/prepared_case.h"

#include "core/float64.h"
#include "core/value_tree.h"

namespace tsharness {

PreparedCase::PreparedCase(const Case& one, const SafetensorsReader& tensors,
                           const Session& session, const Json& tolerance,
                           const std::string& float64_outputs)
    : session_(session),
      name_(one.name),
      device_(session.device()),
      same_device_type_(device_.str().rfind(one.device, 0) == 0),
      // A float64 run that the user asks for is what judges: a file's word does not count.
      policy_(float64_outputs.empty() ? one.tolerance : Json(), tolerance, device_.type()) {
  for (const Call& call : one.calls) {
    bound_.push_back(session.bind(call, tensors));
    expected_.push_back(decode_value(call.outputs, tensors));
  }
  if (float64_outputs.empty()) return;
  const CaseFile file({float64_outputs});
  for (const Call& call : file.find(name_).calls) {
    // Copies: the file's mapping goes with it.
    exact_.push_back(clone_value(decode_value(call.outputs, file.tensors()), at::kCPU));
  }
}

std::vector<OutputComparison> PreparedCase::compare(size_t call, const c10::IValue& outputs) const {
  const c10::IValue actual = arranged(call, outputs);
  auto compared = compare_values(actual, expected_.at(call), policy_, same_device_type_);
  if (!exact_.empty()) judge_by_float64(actual, expected_.at(call), exact_.at(call), compared);
  return compared;
}

}  // namespace tsharness
