#include "core/script_program.h"

#include <torch/csrc/jit/serialization/import.h>

#include <sstream>

namespace tsharness {

ScriptProgram::ScriptProgram(const std::string& path, c10::Device device)
    : ScriptProgram(torch::jit::load(path, device)) {}

std::vector<MethodInfo> ScriptProgram::methods() const {
  std::vector<MethodInfo> result;
  for (const auto& method : module_.get_methods()) {
    std::ostringstream schema;
    schema << method.function().getSchema();
    result.push_back({method.name(), schema.str()});
  }
  return result;
}

c10::FunctionSchema ScriptProgram::schema(const std::string& name) const {
  const auto found = module_.find_method(name);
  if (!found) no_such_method(*this, name);
  return found->function().getSchema();
}

std::vector<at::Tensor> ScriptProgram::parameters() const {
  std::vector<at::Tensor> result;
  for (const auto& parameter : module_.parameters()) result.push_back(parameter);
  return result;
}

}  // namespace tsharness
