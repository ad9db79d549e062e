#include "core/case_file.h"

#include <caffe2/serialize/inline_container.h>
#include <sys/stat.h>

#include "core/compat.h"
#include "core/error.h"
#include "core/printable.h"
#include "core/value_tree.h"

namespace tsharness {

namespace {

constexpr int kSchemaVersion = 1;

/// A name: terminals and logs would obey control characters in it.
std::string plain(const std::string& name, const char* what) {
  if (!has_controls(name)) return name;
  throw Error(ErrorKind::CaseFile, std::string(what) + " '" + one_line(name) +
                                       "' holds control characters; a name is one line of text");
}

Call parse_call(const Json& node) {
  Call call;
  call.method = plain(require(node, "method", JsonType::string, "call"), "method");
  call.args = require(node, "args", JsonType::array, "call");
  call.kwargs = require(node, "kwargs", JsonType::object, "call");
  for (const auto& item : call.kwargs.items()) plain(item.key(), "argument");
  const auto outputs = node.find("outputs");
  if (outputs == node.end()) throw Error(ErrorKind::CaseFile, "call lacks 'outputs'");
  call.outputs = *outputs;
  return call;
}

Case parse_case(const Json& node) {
  Case parsed;
  parsed.name = plain(require(node, "name", JsonType::string, "case"), "case");
  if (node.contains("device")) {
    parsed.device = require(node, "device", JsonType::string, "case").get<std::string>();
  }
  if (node.contains("origin")) {
    parsed.origin = require(node, "origin", JsonType::string, "case").get<std::string>();
  }
  if (node.contains("tolerance")) parsed.tolerance = node.at("tolerance");
  const Json& calls = require(node, "calls", JsonType::array, "case");
  for (const Json& call : calls) parsed.calls.push_back(parse_call(call));
  if (calls.empty()) throw Error(ErrorKind::CaseFile, "case '" + parsed.name + "' has no call");
  return parsed;
}

bool is_file(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

/// The node with every value decoded to LibTorch and encoded again.
Json recode(const Json& node, const SafetensorsReader& from, SafetensorsWriter& to) {
  return encode_value(decode_value(node, from), to);
}

}  // namespace

CaseFile::CaseFile(const CaseFileLocation& location)
    : reader_(std::make_unique<SafetensorsReader>(location.path, location.offset, location.size)) {
  const auto text = reader_->metadata().find("tsharness");
  if (text == reader_->metadata().end()) {
    throw Error(
        ErrorKind::CaseFile,
        location.path + ": a safetensors file, but without cases (no 'tsharness' metadata)");
  }
  document_ = parse_untrusted_json(text->second, location.path + ": cases");
  const auto version =
      require(document_, "schema_version", JsonType::number_integer, "case file").get<int64_t>();
  if (version != kSchemaVersion) {
    throw Error(ErrorKind::CaseFile, location.path + ": schema_version " + std::to_string(version) +
                                         ", this runner reads " + std::to_string(kSchemaVersion));
  }
  for (const Json& node : require(document_, "cases", JsonType::array, "case file")) {
    cases_.push_back(parse_case(node));
  }
}

const Case& CaseFile::find(const std::string& name) const {
  std::string names;
  for (const Case& candidate : cases_) {
    if (candidate.name == name) return candidate;
    names += (names.empty() ? "" : ", ") + candidate.name;
  }
  throw Error(ErrorKind::Usage, "no case '" + name + "'; there are: " + names);
}

std::optional<CaseFileLocation> locate_cases(const std::string& artifact) {
  try {
    if (is_file(artifact)) {
      caffe2::serialize::PyTorchStreamReader archive(artifact);
      if (archive.hasRecord(kCasesRecord)) {
#if TSHARNESS_TORCH_AT_LEAST(2, 2)
        const uint64_t size = archive.getRecordSize(kCasesRecord);
#else
        const uint64_t size = std::get<1>(archive.getRecord(kCasesRecord));
#endif
        return CaseFileLocation{artifact, archive.getRecordOffset(kCasesRecord), size};
      }
    }
  } catch (const c10::Error&) {
    // Not an archive: whether it can be loaded is for the load step to say.
  }
  const std::string beside = artifact + ".cases.safetensors";
  if (is_file(beside)) return CaseFileLocation{beside};
  return {};
}

void copy_case_file(const std::string& from, const std::string& to) {
  const CaseFile file({from});
  SafetensorsWriter writer;
  Json document = file.document();
  for (Json& node : document["cases"]) {
    for (Json& call : node["calls"]) {
      for (Json& value : call["args"]) value = recode(value, file.tensors(), writer);
      for (auto& item : call["kwargs"].items()) {
        item.value() = recode(item.value(), file.tensors(), writer);
      }
      call["outputs"] = recode(call["outputs"], file.tensors(), writer);
    }
  }
  writer.write(to, {{"tsharness", document.dump()}});
}

}  // namespace tsharness
