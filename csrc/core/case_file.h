#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "core/safetensors.h"

namespace tsharness {

/// Name of the record that holds an archive's own cases.
constexpr char kCasesRecord[] = "extra/tsharness/cases.safetensors";

/// One call of a method with the outputs that it must give; values are nodes of a value tree.
struct Call {
  std::string method;
  Json args;    ///< array of nodes
  Json kwargs;  ///< object of nodes
  Json outputs;
};

/// Calls that are made one after the other on a module in the state that it was loaded in.
struct Case {
  std::string name;
  std::string device = "cpu";   ///< type of the device that the reference ran on
  Json tolerance;               ///< a layer for TolerancePolicy, or null
  std::string origin = "file";  ///< of its outputs, as docs/case-file.md has it
  std::vector<Call> calls;
};

/// Where a case file lies: a file of its own, or a record of an archive.
struct CaseFileLocation {
  std::string path;
  uint64_t offset = 0;
  uint64_t size = 0;  ///< bytes; 0: to the end of the file
};

/// A case file that was read (docs/case-file.md).
class CaseFile {
 public:
  /// Raises Error(CaseFile).
  explicit CaseFile(const CaseFileLocation& location);

  const std::vector<Case>& cases() const { return cases_; }
  /// Raises Error(Usage) that lists the names if there is no such case.
  const Case& find(const std::string& name) const;
  const SafetensorsReader& tensors() const { return *reader_; }
  const Json& document() const { return document_; }

 private:
  std::unique_ptr<SafetensorsReader> reader_;
  Json document_;
  std::vector<Case> cases_;
};

/// The cases of an artifact: inside it as an extra file, else beside it as
/// `<artifact>.cases.safetensors`; nothing if it has none.
std::optional<CaseFileLocation> locate_cases(const std::string& artifact);

/// Reads a case file, turns every value into LibTorch's own and back, and writes it to `to`.
/// What is the same in both files has passed unharmed through C++.
void copy_case_file(const std::string& from, const std::string& to);

}  // namespace tsharness
