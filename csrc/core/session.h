#pragma once

#include <torch/script.h>

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/case_file.h"
#include "core/cast.h"
#include "core/settings.h"

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

/// A loaded TorchScript artifact on one device. Runs under no_grad, as a server does, if nothing
/// else is asked for.
class Session {
 public:
  /// With `cast`, so are converted the module's tensors and the arguments of every call: to
  /// float64, for example, to measure rounding by.
  /// Raises Error(Artifact) if it cannot be loaded, Error(Device) if the device is not there.
  Session(const std::string& path, c10::Device device, const Cast& cast = {});

  std::vector<MethodInfo> methods() const;
  /// Raises Error(Usage), with the methods that there are, if there is no such method.
  c10::FunctionSchema schema(const std::string& method) const;
  int64_t parameter_count() const;
  int64_t parameter_bytes() const;
  c10::Device device() const { return device_; }

  /// Converts a call's values by the method's schema. Raises Error(Usage) for a method that does
  /// not exist, Error(Input) for arguments that do not fit.
  BoundCall bind(const Call& call, const SafetensorsReader& tensors) const;

  /// Raises Error(Input), Error(Execution) or Error(Memory). May be called from several threads.
  c10::IValue run(const BoundCall& call, GradMode mode = GradMode::NoGrad) const;

  /// Raises Error(Usage), with the methods that there are, if there is no such method.
  torch::jit::Method method(const std::string& name) const;

  /// Waits until the device has done all that was asked of it.
  void synchronize() const;

  /// Names of the attributes, buffers and parameters that a call has changed since the last
  /// `restore`.
  std::vector<std::string> changed_state() const;
  /// The module itself, by its attributes.
  c10::IValue state() const { return module_._ivalue(); }
  const torch::jit::Module& module() const { return module_; }
  /// Another one with a deep copy of the module: what its calls change, this one does not see.
  Session clone() const;
  /// Puts the module back into the state that it was loaded in; costs nothing if it still is.
  void restore();

 private:
  struct StateMark {
    std::string name;
    c10::IValue value;
    int64_t version = 0;
    bool same_as(const StateMark& other) const;
  };
  Session(const Session& from, torch::jit::Module module);
  std::vector<StateMark> mark_state() const;

  std::string path_;
  c10::Device device_;
  Cast cast_;
  torch::jit::Module module_;
  std::optional<torch::jit::Module> pristine_;
  std::vector<StateMark> loaded_state_;
};

}  // namespace tsharness
