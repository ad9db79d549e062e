#pragma once

#include <mutex>

#include "core/program.h"
#include "executorch/module.h"

namespace tsharness {

/// An ExecuTorch program (.pte), by ExecuTorch's own runtime on the CPU. Its calls are made one
/// after the other: a module of that runtime is not for two threads at once. Outputs are copied out
/// of its memory plan, which the next call writes to.
class ExecutorchProgram : public Program {
 public:
  /// Raises Error(Device) for a device that is no CPU, std::runtime_error with what the runtime
  /// said.
  ExecutorchProgram(const std::string& path, c10::Device device);

  std::string kind() const override { return "executorch"; }
  bool flat() const override { return true; }
  std::vector<MethodInfo> methods() const override;
  c10::IValue call(const std::string& method,
                   const std::vector<c10::IValue>& arguments) const override;
  std::unique_ptr<Program> clone() const override;
  /// "methods": by name "inputs", "outputs", "backends", "planned_bytes"; "program_bytes"
  Json facts() const override;

 private:
  std::string path_;
  c10::Device device_;
  mutable ExecutorchModule module_;
  mutable std::mutex mutex_;
};

/// True for a file that begins as ExecuTorch's flatbuffers do.
bool holds_executorch_program(const std::string& path);

}  // namespace tsharness
