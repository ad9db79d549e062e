#pragma once

#include <map>
#include <set>
#include <string>

namespace tsharness {

/// The code of an archive as LibTorch would read it.
struct ArchiveCode {
  /// SHA-256 of every record that the importer could ask for, by its name below the root folder.
  std::map<std::string, std::string> records;
  /// Operators that the code names, "aten::add" for `torch.add`, "ns::name" for `ops.ns.name`, and
  /// those of the lite interpreter's bytecode.
  std::set<std::string> operators;
  /// All other names behind a dot: `x.add(y)` is an operator if `x` is a tensor, which the code
  /// alone does not tell.
  std::set<std::string> members;
};

/// Reads the records of code with LibTorch's own reader of archives and parses them with its own
/// parser: nothing is compiled, nothing runs. Raises Error(Artifact) for what either cannot read.
ArchiveCode read_archive_code(const std::string& path);

/// Adds what a record's text names. Raises Error(Artifact) if LibTorch cannot parse it.
void add_names(const std::string& record, const std::string& text, ArchiveCode& code);

/// Whether LibTorch would take `x.NAME(...)` for an operator where `x` is a tensor.
bool is_method_of_tensors(const std::string& name);

}  // namespace tsharness
