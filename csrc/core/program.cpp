#include "core/program.h"

#include "core/aoti_program.h"
#include "core/error.h"
#include "core/lite_program.h"
#include "core/script_program.h"

namespace tsharness {

namespace {

template <typename Kind>
std::unique_ptr<Program> load(const std::string& path, c10::Device device) {
  return std::make_unique<Kind>(path, device);
}

std::vector<ProgramKind>& kinds() {
  static std::vector<ProgramKind> known = {
      {"torchscript", [](const std::string&) { return false; }, load<ScriptProgram>, true},
      {"lite", holds_bytecode_alone, load<LiteProgram>, true},
#ifdef TSHARNESS_AOTI
      {"aoti", holds_aoti_package, load<AotiProgram>},
#endif
  };
  return known;
}

}  // namespace

const ProgramKind& kind_of(const std::string& path, const std::string& name) {
  std::string names;
  for (const ProgramKind& one : program_kinds()) {
    if (name.empty() ? one.holds(path) : one.name == name) return one;
    names += (names.empty() ? "" : ", ") + one.name;
  }
  if (name.empty()) return program_kinds().front();
  throw Error(ErrorKind::Usage,
              "no artifact of kind '" + name + "' runs in this runner; it has: " + names);
}

c10::FunctionSchema Program::schema(const std::string&) const {
  throw Error(ErrorKind::Usage, "an artifact of kind " + kind() + " keeps no schema");
}

const std::vector<ProgramKind>& program_kinds() { return kinds(); }

void add_program_kind(const ProgramKind& kind) { kinds().push_back(kind); }

std::unique_ptr<Program> load_program(const std::string& path, c10::Device device,
                                      const std::string& kind) {
  return kind_of(path, kind).load(path, device);
}

void no_such_method(const Program& program, const std::string& name) {
  std::string names;
  for (const MethodInfo& method : program.methods()) {
    names += (names.empty() ? "" : ", ") + method.name;
  }
  throw Error(ErrorKind::Usage, "the artifact has no method '" + name + "'; it has: " + names);
}

}  // namespace tsharness
