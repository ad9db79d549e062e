#pragma once

#include <ATen/core/ivalue.h>

#include <string>
#include <vector>

#include "core/json.h"
#include "core/safetensors.h"

namespace tsharness {

/// Cases that a step keeps, as a case file; nothing at all without a path.
class OutputFile {
 public:
  explicit OutputFile(std::string path) : path_(std::move(path)) {}

  /// A call of the case that was begun last, with the arguments if they are to be kept.
  void begin(const std::string& case_name);
  void add(const c10::IValue& outputs, const std::vector<c10::IValue>& args = {});
  /// Raises Error(Usage) if the file cannot be written.
  void write() const;

 private:
  std::string path_;
  Json cases_ = Json::array();
  SafetensorsWriter writer_;
};

}  // namespace tsharness
