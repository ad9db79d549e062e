#pragma once

#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/json.h"

namespace torch::jit {
struct Module;
}

namespace tsharness {

/// A method as the artifact declares it.
struct MethodInfo {
  std::string name;
  std::string schema;  ///< TorchScript's own notation; empty where the file keeps none
};

/// A loaded artifact of some kind: all that differs between the kinds. What throws in it leaves as
/// it is; `Session` turns it into `Error`.
class Program {
 public:
  virtual ~Program() = default;

  /// A name of `program_kinds()`.
  virtual std::string kind() const = 0;
  virtual std::vector<MethodInfo> methods() const = 0;
  /// Calls a method as an application does. `arguments` are all of them by position, without self.
  virtual c10::IValue call(const std::string& method,
                           const std::vector<c10::IValue>& arguments) const = 0;
  /// Another one, of which this one sees no change.
  virtual std::unique_ptr<Program> clone() const = 0;

  /// Whether its file knows leaves alone: arguments come without their containers, and so do
  /// outputs, as one tuple (core/flat_values.h). It then has no schema.
  virtual bool flat() const { return false; }
  /// With `self` as the first argument. Raises Error(Usage) for a method that there is not.
  virtual c10::FunctionSchema schema(const std::string& method) const;
  /// Of a flat program: the names of a method's arguments, as far as the file has them.
  virtual std::vector<std::string> argument_names(const std::string&) const { return {}; }

  virtual std::vector<at::Tensor> parameters() const { return {}; }
  /// The attributes, as an object; None where nothing can look at them.
  virtual c10::IValue state() const { return {}; }
  /// Tensors of the code itself, to which a call may write.
  virtual const std::vector<at::Tensor>& constants() const {
    static const std::vector<at::Tensor> none;
    return none;
  }
  /// The module with its graphs, of a kind that has them; else null.
  virtual const torch::jit::Module* module() const { return nullptr; }
  /// All that was compiled of it (core/compiled_operators.h); nothing of a kind that holds no code
  /// of TorchScript.
  virtual std::set<std::string> operators() const { return {}; }
  /// Whether a call may take other ways through the code than another with inputs of the same
  /// shapes; where nobody can look, it may.
  virtual bool branches() const { return true; }
  /// What only this kind has to say of an artifact, by name (docs/kinds.md).
  virtual Json facts() const { return Json::object(); }
};

/// A kind of artifact, and how to load one.
struct ProgramKind {
  std::string name;
  /// Whether a file is of this kind; what is of no kind goes to the first, whose loader says what
  /// is wrong with it.
  std::function<bool(const std::string& path)> holds;
  std::function<std::unique_ptr<Program>(const std::string& path, c10::Device device)> load;
  /// Of TorchScript, whose code can be judged before anything runs it.
  bool judged = false;
};

/// The kinds that this executable has, TorchScript first.
const std::vector<ProgramKind>& program_kinds();

/// For an executable that has one more; before anything is loaded.
void add_program_kind(const ProgramKind& kind);

/// Loads an artifact to a device. `kind` is a name of `program_kinds()`; empty: what the file is.
/// Raises Error(Usage) for another kind; what a loader throws leaves as it is.
std::unique_ptr<Program> load_program(const std::string& path, c10::Device device,
                                      const std::string& kind = {});

/// As what it would be loaded. Raises Error(Usage) for another kind.
const ProgramKind& kind_of(const std::string& path, const std::string& kind);

/// Raises Error(Usage) that lists the methods that there are.
[[noreturn]] void no_such_method(const Program& program, const std::string& name);

}  // namespace tsharness
