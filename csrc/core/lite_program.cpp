#include "core/lite_program.h"

#include <caffe2/serialize/inline_container.h>
#include <torch/csrc/jit/mobile/import.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "core/error.h"
#include "core/script_program.h"

namespace tsharness {

LiteProgram::LiteProgram(const std::string& path, c10::Device device)
    : path_(path), device_(device), module_(torch::jit::_load_for_mobile(path, device)) {}

std::vector<MethodInfo> LiteProgram::methods() const {
  std::vector<MethodInfo> result;
  for (const auto& method : module_.get_methods()) {
    std::ostringstream schema;
    if (method.function().hasSchema()) schema << method.function().getSchema();
    result.push_back({method.name(), schema.str()});
  }
  return result;
}

c10::FunctionSchema LiteProgram::schema(const std::string& name) const {
  const auto found = module_.find_method(name);
  if (!found) no_such_method(*this, name);
  if (found->function().hasSchema()) return found->function().getSchema();
  // Bytecode before version 5 says nothing of arguments; the code beside it does.
  if (holds_bytecode_alone(path_)) {
    throw Error(ErrorKind::Artifact,
                "its bytecode is of a version that says nothing of arguments (before 5), and there "
                "is no code beside it; export it with a newer PyTorch");
  }
  const c10::FunctionSchema known = ScriptProgram(path_, c10::kCPU).schema(name);
  std::vector<c10::Argument> arguments = known.arguments();
  arguments.at(0) = c10::Argument("self", c10::AnyType::get());  // its class is the code's own
  return known.cloneWithArguments(arguments);
}

std::unique_ptr<Program> LiteProgram::clone() const {
  return std::make_unique<LiteProgram>(path_, device_);
}

// Bytes 4 to 7 of a flatbuffer are its identifier; PyTorch's schema says PTMF
// (mobile_bytecode.fbs).
bool is_flatbuffer(const std::string& path) {
  char start[8] = "";
  std::ifstream(path, std::ios::binary).read(start, sizeof start);
  return std::string(start + 4, 4) == "PTMF";
}

bool holds_bytecode_alone(const std::string& path) {
  if (is_flatbuffer(path)) return true;
  try {
    caffe2::serialize::PyTorchStreamReader archive(path);
    if (!archive.hasRecord("bytecode.pkl")) return false;
    const auto records = archive.getAllRecords();
    return std::none_of(records.begin(), records.end(),
                        [](const std::string& name) { return name.rfind("code/", 0) == 0; });
  } catch (const c10::Error&) {
    return false;  // the loader says what it is
  }
}

}  // namespace tsharness
