#pragma once

#include <torch/script.h>

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/case_file.h"

namespace tsharness {

using Kwargs = std::unordered_map<std::string, c10::IValue>;

/// Arguments that were converted to what the method's schema asks for, on the session's device.
struct BoundCall {
  std::string method;
  std::vector<c10::IValue> args;
  Kwargs kwargs;

  /// A deep copy, so that a model that writes to its inputs cannot reach the next call.
  BoundCall clone(c10::Device device) const;
};

/// A method as the artifact declares it.
struct MethodInfo {
  std::string name;
  std::string schema;  ///< TorchScript's own notation
};

/// A loaded TorchScript artifact on one device. Runs under no_grad, as a server does.
class Session {
 public:
  /// Raises Error(Artifact) if it cannot be loaded, Error(Device) if the device is not there.
  Session(const std::string& path, c10::Device device);

  std::vector<MethodInfo> methods() const;
  /// Raises Error(Usage), with the methods that there are, if there is no such method.
  c10::FunctionSchema schema(const std::string& method) const;
  int64_t parameter_count() const;
  int64_t parameter_bytes() const;
  c10::Device device() const { return device_; }

  /// Converts a call's values by the method's schema. Raises Error(Usage) for a method that does
  /// not exist, Error(Input) for arguments that do not fit.
  BoundCall bind(const Call& call, const SafetensorsReader& tensors) const;

  /// Raises Error(Input), Error(Execution) or Error(Memory).
  c10::IValue run(const BoundCall& call);
  c10::IValue run(const std::string& method, std::vector<c10::IValue> args, const Kwargs& kwargs);

  /// Waits until the device has done all that was asked of it.
  void synchronize() const;

  /// True if a call has changed an attribute, buffer or parameter since the last `restore`.
  bool state_changed() const;
  /// Puts the module back into the state that it was loaded in; costs nothing if it still is.
  void restore();

 private:
  struct StateMark {
    c10::IValue value;
    int64_t version = 0;
  };
  torch::jit::Method method(const std::string& name) const;
  std::vector<StateMark> mark_state() const;

  std::string path_;
  c10::Device device_;
  torch::jit::Module module_;
  std::optional<torch::jit::Module> pristine_;
  std::vector<StateMark> loaded_state_;
};

}  // namespace tsharness
