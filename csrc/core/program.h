#pragma once

#include <torch/script.h>

#include <memory>
#include <string>
#include <vector>

namespace tsharness {

/// A method as the artifact declares it.
struct MethodInfo {
  std::string name;
  std::string schema;  ///< TorchScript's own notation
};

/// A loaded artifact of some kind: all that differs between the kinds. What throws in it leaves as
/// it is; `Session` turns it into `Error`.
class Program {
 public:
  virtual ~Program() = default;

  /// "torchscript", "lite"
  virtual std::string kind() const = 0;
  virtual std::vector<MethodInfo> methods() const = 0;
  /// With `self` as the first argument. Raises Error(Usage) for a method that there is not.
  virtual c10::FunctionSchema schema(const std::string& method) const = 0;
  /// Calls a method as an application does. `arguments` are all of them by position, without self.
  virtual c10::IValue call(const std::string& method,
                           const std::vector<c10::IValue>& arguments) const = 0;
  virtual std::vector<at::Tensor> parameters() const = 0;
  /// The attributes, as an object.
  virtual c10::IValue state() const = 0;
  /// Another one, of which this one sees no change.
  virtual std::unique_ptr<Program> clone() const = 0;
  /// The module with its graphs, of a kind that has them; else null.
  virtual const torch::jit::Module* module() const { return nullptr; }
};

/// Loads an artifact to a device. `kind` is one of `program_kinds()`; empty: bytecode if it holds
/// nothing else, else TorchScript.
/// Raises Error(Usage) for another kind; what a loader throws leaves as it is.
std::unique_ptr<Program> load_program(const std::string& path, c10::Device device,
                                      const std::string& kind = {});

/// The kinds that this LibTorch has.
std::vector<std::string> program_kinds();

/// Raises Error(Usage) that lists the methods that there are.
[[noreturn]] void no_such_method(const Program& program, const std::string& name);

}  // namespace tsharness
