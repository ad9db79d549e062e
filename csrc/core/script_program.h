#pragma once

#include <torch/csrc/jit/api/module.h>

#include "core/compiled_operators.h"
#include "core/program.h"

namespace tsharness {

/// An archive of TorchScript code, run by torch::jit. It is called as `module(inputs)` is in
/// Python: hooks of the module itself run, which `torch::jit::Module::forward` passes over, and
/// code that calls autograd runs with gradients, whatever the mode of the calling thread.
class ScriptProgram : public Program {
 public:
  ScriptProgram(const std::string& path, c10::Device device);
  explicit ScriptProgram(torch::jit::Module module);

  std::string kind() const override { return "torchscript"; }
  std::vector<MethodInfo> methods() const override;
  c10::FunctionSchema schema(const std::string& method) const override;
  c10::IValue call(const std::string& method,
                   const std::vector<c10::IValue>& arguments) const override;
  std::vector<at::Tensor> parameters() const override;
  c10::IValue state() const override { return module_._ivalue(); }
  std::unique_ptr<Program> clone() const override {
    auto copy = std::make_unique<ScriptProgram>(*this);
    copy->module_ = module_.deepcopy();
    return copy;
  }
  std::set<std::string> operators() const override { return code_.operators; }
  const std::vector<at::Tensor>& constants() const override { return code_.constants; }
  bool branches() const override { return code_.branches; }
  /// {"autograd": true} if its code calls it, {"hooks": number of the module's own}.
  Json facts() const override;
  const torch::jit::Module* module() const override { return &module_; }

 private:
  c10::IValue call_with_hooks(const std::vector<c10::IValue>& arguments) const;

  torch::jit::Module module_;
  CompiledCode code_;
  size_t hooks_;
  bool autograd_;
};

}  // namespace tsharness
