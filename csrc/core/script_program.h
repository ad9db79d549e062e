#pragma once

#include <torch/csrc/jit/api/module.h>

#include "core/compiled_operators.h"
#include "core/program.h"

namespace tsharness {

/// An archive of TorchScript code, run by torch::jit.
class ScriptProgram : public Program {
 public:
  ScriptProgram(const std::string& path, c10::Device device);
  explicit ScriptProgram(torch::jit::Module module) : module_(std::move(module)) {}

  std::string kind() const override { return "torchscript"; }
  std::vector<MethodInfo> methods() const override;
  c10::FunctionSchema schema(const std::string& method) const override;
  c10::IValue call(const std::string& method,
                   const std::vector<c10::IValue>& arguments) const override {
    return module_.get_method(method)(arguments);
  }
  std::vector<at::Tensor> parameters() const override;
  c10::IValue state() const override { return module_._ivalue(); }
  std::unique_ptr<Program> clone() const override {
    return std::make_unique<ScriptProgram>(module_.deepcopy());
  }
  std::set<std::string> operators() const override { return compiled_operators(module_); }
  const torch::jit::Module* module() const override { return &module_; }

 private:
  torch::jit::Module module_;
};

}  // namespace tsharness
