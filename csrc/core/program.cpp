#include "core/program.h"

#include <algorithm>

#include "core/error.h"
#include "core/lite_program.h"
#include "core/script_program.h"

namespace tsharness {

std::vector<std::string> program_kinds() { return {"torchscript", "lite"}; }

std::unique_ptr<Program> load_program(const std::string& path, c10::Device device,
                                      const std::string& kind) {
  const auto kinds = program_kinds();
  if (!kind.empty() && std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) {
    throw Error(ErrorKind::Usage, "no artifact of kind '" + kind + "' runs here");
  }
  const bool lite = kind.empty() ? holds_bytecode_alone(path) : kind == "lite";
  if (lite) return std::make_unique<LiteProgram>(path, device);
  return std::make_unique<ScriptProgram>(path, device);
}

void no_such_method(const Program& program, const std::string& name) {
  std::string names;
  for (const MethodInfo& method : program.methods()) {
    names += (names.empty() ? "" : ", ") + method.name;
  }
  throw Error(ErrorKind::Usage, "the artifact has no method '" + name + "'; it has: " + names);
}

}  // namespace tsharness
