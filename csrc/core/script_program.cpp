#include "core/script_program.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/jit/serialization/import.h>

#include <optional>
#include <sstream>

namespace tsharness {

ScriptProgram::ScriptProgram(const std::string& path, c10::Device device)
    : ScriptProgram(torch::jit::load(path, device)) {}

ScriptProgram::ScriptProgram(torch::jit::Module module)
    : module_(std::move(module)),
      code_(compiled_code(module_)),
      hooks_(module_.type()->getForwardPreHooks().size() +
             module_.type()->getForwardHooks().size()),
      autograd_(code_.operators.count("aten::grad") + code_.operators.count("aten::backward") > 0) {
}

c10::IValue ScriptProgram::call(const std::string& method,
                                const std::vector<c10::IValue>& arguments) const {
  std::optional<at::AutoGradMode> grad;
  if (autograd_) grad.emplace(true);
  if (hooks_ > 0 && method == "forward") return call_with_hooks(arguments);
  return module_.get_method(method)(arguments);
}

c10::IValue ScriptProgram::call_with_hooks(const std::vector<c10::IValue>& arguments) const {
  const auto tuple = [](const c10::IValue& value) {
    return value.isTuple() ? value : c10::IValue(c10::ivalue::Tuple::create({value}));
  };
  const auto type = module_.type();
  c10::IValue given = c10::ivalue::Tuple::create(arguments);
  for (torch::jit::Function* hook : type->getForwardPreHooks()) {
    const c10::IValue changed = (*hook)({module_._ivalue(), given});
    if (!changed.isNone()) given = tuple(changed);
  }
  c10::IValue output = module_.get_method("forward")(given.toTupleRef().elements().vec());
  for (torch::jit::Function* hook : type->getForwardHooks()) {
    const c10::IValue changed = (*hook)({module_._ivalue(), given, output});
    if (!changed.isNone()) output = changed;
  }
  return output;
}

Json ScriptProgram::facts() const {
  Json facts = Json::object();
  if (autograd_) facts["autograd"] = true;
  if (hooks_ > 0) facts["hooks"] = hooks_;
  return facts;
}

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
