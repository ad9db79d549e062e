#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/case_file.h"
#include "core/cast.h"
#include "core/program.h"
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

/// A loaded artifact on one device. Runs under no_grad, as a server does, if nothing
/// else is asked for.
class Session {
 public:
  /// With `cast`, so are converted the module's tensors and the arguments of every call: to
  /// float64, for example, to measure rounding by.
  /// Raises Error(Artifact) if it cannot be loaded, Error(Device) if the device is not there.
  Session(const std::string& path, c10::Device device, const Cast& cast = {},
          const std::string& kind = {});

  std::string kind() const { return program_->kind(); }
  std::vector<MethodInfo> methods() const { return program_->methods(); }
  /// Raises Error(Usage), with the methods that there are, if there is no such method.
  c10::FunctionSchema schema(const std::string& method) const { return program_->schema(method); }
  int64_t parameter_count() const;
  int64_t parameter_bytes() const;
  c10::Device device() const { return device_; }

  /// Converts a call's values by the method's schema. Raises Error(Usage) for a method that does
  /// not exist, Error(Input) for arguments that do not fit.
  BoundCall bind(const Call& call, const SafetensorsReader& tensors) const;

  /// Raises Error(Input), Error(Execution) or Error(Memory). May be called from several threads.
  c10::IValue run(const BoundCall& call, GradMode mode = GradMode::NoGrad) const;

  /// What a call gave, in the containers of `like`: a kind of artifact that keeps none gives its
  /// leaves alone. Raises Error(Execution) if these are more or fewer.
  c10::IValue arranged(const c10::IValue& outputs, const c10::IValue& like) const;
  /// Of the argument at a position.
  std::string argument_name(const std::string& method, size_t i) const;
  /// What the arguments are called whose file does not say it, by the signature of its cases
  /// (docs/case-file.md).
  void name_arguments(const Json& signature);
  bool flat() const { return program_->flat(); }
  bool has_graphs() const { return program_->module() != nullptr; }
  std::set<std::string> operators() const { return program_->operators(); }
  bool branches() const { return program_->branches(); }
  Json facts() const { return program_->facts(); }

  /// To call: it stays what it is when the session is restored.
  std::shared_ptr<const Program> shared_program() const;

  /// Waits until the device has done all that was asked of it.
  void synchronize() const;

  /// Names of the attributes, buffers and parameters that a call has changed since the last
  /// `restore`.
  std::vector<std::string> changed_state() const;
  /// The module itself, by its attributes.
  c10::IValue state() const { return program_->state(); }
  /// The module with its graphs. Raises Error(Usage) for a kind of artifact that has none.
  const torch::jit::Module& module() const;
  /// Another one with a copy of the program: what its calls change, this one does not see.
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
  Session(const Session& from, std::unique_ptr<Program> program);
  BoundCall bind_by_schema(const Call& call, const SafetensorsReader& tensors) const;
  BoundCall bind_leaves(const Call& call, const SafetensorsReader& tensors) const;
  std::vector<std::string> argument_names(const std::string& method) const;
  std::vector<StateMark> mark_state() const;

  std::string path_;
  c10::Device device_;
  Cast cast_;
  std::string kind_;
  std::shared_ptr<const Program> program_;
  std::shared_ptr<const Program> pristine_;
  std::unique_ptr<std::atomic<bool>> used_ = std::make_unique<std::atomic<bool>>(false);
  std::vector<StateMark> loaded_state_;
  std::map<std::string, std::vector<std::string>> names_;  ///< of a flat program's arguments
};

}  // namespace tsharness
