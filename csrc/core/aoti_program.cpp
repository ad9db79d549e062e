#include "core/aoti_program.h"

#ifdef TSHARNESS_AOTI
#include <caffe2/serialize/inline_container.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/error.h"

namespace tsharness {

namespace fs = std::filesystem;

namespace {

// Where torch.export's package format keeps compiled models.
const std::string kModels = "data/aotinductor/";

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/// Writes every record below `folder`; returns the bytes of the shared objects. Raises
/// Error(Artifact) for a name that leads elsewhere, or if there is no room.
int64_t unpack(const std::string& path, const fs::path& folder) {
  caffe2::serialize::PyTorchStreamReader archive(path);
  int64_t code_bytes = 0;
  for (const std::string& name : archive.getAllRecords()) {
    const fs::path target = (folder / name).lexically_normal();
    if (fs::path(name).is_absolute() || target.string().rfind(folder.string(), 0) != 0) {
      throw Error(ErrorKind::Artifact, "a record of it would be unpacked elsewhere: " + name);
    }
    fs::create_directories(target.parent_path());
    const auto [data, size] = archive.getRecord(name);
    std::ofstream file(target, std::ios::binary);
    file.write(static_cast<const char*>(data.get()), static_cast<std::streamsize>(size));
    if (!file.flush()) throw Error(ErrorKind::Artifact, "cannot be unpacked: no room for " + name);
    if (ends_with(name, ".so")) code_bytes += static_cast<int64_t>(size);
  }
  return code_bytes;
}

/// Names of the keyword arguments, in order, by the pytree of the call that was compiled:
/// ((positional...), {keyword: ...}).
std::vector<std::string> argument_names_of(const std::string& in_spec) {
  std::vector<std::string> names;
  const Json spec = Json::parse(in_spec, nullptr, /*allow_exceptions=*/false);
  if (!spec.is_array() || spec.size() != 2) return names;
  const Json& both = spec[1].value("children_spec", Json::array());
  if (both.size() != 2) return names;
  const size_t positional = both[0].value("children_spec", Json::array()).size();
  for (size_t i = 0; i < positional; ++i) names.push_back("arg" + std::to_string(i));
  const Json context = both[1].value("context", Json());
  const Json keys =
      context.is_string() ? Json::parse(context.get<std::string>(), nullptr, false) : context;
  if (!keys.is_array()) return names;
  for (const Json& key : keys) names.push_back(key.is_string() ? key.get<std::string>() : "");
  return names;
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  std::string name = (fs::temp_directory_path() / "aoti.XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    throw Error(ErrorKind::Artifact, "there is no folder to unpack it to: " + name);
  }
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;  // nobody could do anything about it
  fs::remove_all(path_, ignored);
}

/// What the processor must have for machine code with AOTInductor's names of instructions; what it
/// lacks, or nothing. Without this the process would die of SIGILL.
static std::string missing_instructions(const std::string& isa) {
#ifdef __x86_64__
  if (isa.find("AVX512") != std::string::npos && !__builtin_cpu_supports("avx512f"))
    return "AVX512";
  if (isa.find("AVX2") != std::string::npos && !__builtin_cpu_supports("avx2")) return "AVX2";
  if (isa.find("VNNI") != std::string::npos && !__builtin_cpu_supports("avx512vnni")) return "VNNI";
#else
  (void)isa;
#endif
  return "";
}

AotiProgram::AotiProgram(const std::string& path, c10::Device device)
    : path_(path), device_(device), code_bytes_(unpack(path, folder_.path())) {
  loader_ = std::make_unique<torch::inductor::AOTIModelPackageLoader>(
      folder_.path(), "model", /*run_single_threaded=*/false, /*num_runners=*/1,
      device.has_index() ? device.index() : c10::DeviceIndex(-1));
  const auto metadata = loader_->get_metadata();
  const auto isa = metadata.find("AOTI_CPU_ISA");
  const auto missing = isa == metadata.end() ? "" : missing_instructions(isa->second);
  if (!missing.empty()) {
    throw Error(ErrorKind::Artifact, "it was compiled for " + isa->second +
                                         ", but this processor has no " + missing +
                                         "; compile it on the oldest processor of the fleet");
  }
  const auto compiled_for = metadata.find("AOTI_DEVICE_KEY");
  if (compiled_for != metadata.end() && c10::Device(compiled_for->second).type() != device.type()) {
    throw Error(ErrorKind::Device, "it was compiled for " + compiled_for->second +
                                       ", and runs on no other device; state --device " +
                                       compiled_for->second);
  }
}

std::vector<std::string> AotiProgram::argument_names(const std::string&) const {
  const auto spec = loader_->get_call_spec();
  return spec.empty() ? std::vector<std::string>() : argument_names_of(spec[0]);
}

c10::IValue AotiProgram::call(const std::string& method,
                              const std::vector<c10::IValue>& arguments) const {
  if (method != "forward") no_such_method(*this, method);
  std::vector<at::Tensor> tensors;
  // Everything else became part of the code when it was compiled.
  for (const c10::IValue& one : arguments) {
    if (one.isTensor()) tensors.push_back(one.toTensor());
  }
  std::vector<c10::IValue> outputs;
  for (at::Tensor& tensor : loader_->run(tensors)) outputs.emplace_back(std::move(tensor));
  return c10::ivalue::Tuple::create(std::move(outputs));
}

std::vector<at::Tensor> AotiProgram::parameters() const {
  std::vector<at::Tensor> found;
  for (const auto& item : loader_->get_runner()->extract_constants_map(/*use_inactive=*/false)) {
    found.push_back(item.second);
  }
  return found;
}

std::unique_ptr<Program> AotiProgram::clone() const {
  return std::make_unique<AotiProgram>(path_, device_);
}

Json AotiProgram::facts() const {
  Json facts = {{"call_spec", loader_->get_call_spec()}, {"shared_object_bytes", code_bytes_}};
  const auto metadata = loader_->get_metadata();
  const auto device = metadata.find("AOTI_DEVICE_KEY");
  if (device != metadata.end()) facts["compiled_for"] = device->second;
  const auto isa = metadata.find("AOTI_CPU_ISA");
  if (isa != metadata.end()) facts["cpu_isa"] = isa->second;
  return facts;
}

bool holds_aoti_package(const std::string& path) {
  try {
    caffe2::serialize::PyTorchStreamReader archive(path);
    const auto records = archive.getAllRecords();
    return std::any_of(records.begin(), records.end(),
                       [](const std::string& name) { return name.rfind(kModels, 0) == 0; });
  } catch (const c10::Error&) {
    return false;  // the loader says what it is
  }
}

}  // namespace tsharness
#endif
