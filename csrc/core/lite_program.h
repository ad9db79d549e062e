#pragma once

#include <torch/csrc/jit/mobile/module.h>

#include "core/compiled_operators.h"
#include "core/program.h"

namespace tsharness {

/// Bytecode of the lite interpreter (.ptl, zip or flatbuffer), run by torch::jit::mobile: what a
/// phone runs.
class LiteProgram : public Program {
 public:
  LiteProgram(const std::string& path, c10::Device device);

  std::string kind() const override { return "lite"; }
  std::vector<MethodInfo> methods() const override;
  c10::FunctionSchema schema(const std::string& method) const override;
  c10::IValue call(const std::string& method,
                   const std::vector<c10::IValue>& arguments) const override {
    return module_.get_method(method)(arguments);
  }
  std::vector<at::Tensor> parameters() const override { return module_.parameters(); }
  c10::IValue state() const override { return module_._ivalue(); }
  std::unique_ptr<Program> clone() const override;
  std::set<std::string> operators() const override { return compiled_operators(module_); }
  /// "bytecode_version"
  Json facts() const override { return {{"bytecode_version", module_.bytecode_version()}}; }

 private:
  std::string path_;
  c10::Device device_;
  mutable torch::jit::mobile::Module module_;
};

/// True for a module in the form of a flatbuffer, which is no archive.
bool is_flatbuffer(const std::string& path);

/// True for a flatbuffer, and for an archive that holds bytecode and no code.
bool holds_bytecode_alone(const std::string& path);

}  // namespace tsharness
