#pragma once

#include "core/program.h"

#ifdef TSHARNESS_AOTI
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>

namespace tsharness {

/// A folder of its own below the system's temporary one (TMPDIR), which goes with the object.
class TemporaryFolder {
 public:
  /// Raises Error(Artifact) if it cannot be made.
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// An AOTInductor package (.pt2): a shared object of machine code for one kind of processor, and
/// the weights. It is unpacked below TMPDIR and mapped from there: in the cage nothing else can be
/// written to, and the loader's own place, /tmp, is not to be seen.
class AotiProgram : public Program {
 public:
  AotiProgram(const std::string& path, c10::Device device);

  std::string kind() const override { return "aoti"; }
  bool flat() const override { return true; }
  std::vector<MethodInfo> methods() const override { return {{"forward", ""}}; }
  std::vector<std::string> argument_names(const std::string& method) const override;
  c10::IValue call(const std::string& method,
                   const std::vector<c10::IValue>& arguments) const override;
  std::vector<at::Tensor> parameters() const override;
  std::unique_ptr<Program> clone() const override;
  /// "compiled_for", "call_spec", "shared_object_bytes"
  Json facts() const override;

 private:
  std::string path_;
  c10::Device device_;
  TemporaryFolder folder_;
  int64_t code_bytes_ = 0;
  mutable std::unique_ptr<torch::inductor::AOTIModelPackageLoader> loader_;
};

/// True for a zip archive with a compiled model in it.
bool holds_aoti_package(const std::string& path);

}  // namespace tsharness
#endif
