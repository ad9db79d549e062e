#include "runner/output_file.h"

#include "core/value_tree.h"

namespace tsharness {

void OutputFile::begin(const std::string& case_name) {
  cases_.push_back({{"name", case_name}, {"calls", Json::array()}});
}

void OutputFile::add(const c10::IValue& outputs, const std::vector<c10::IValue>& args) {
  if (path_.empty()) return;
  Json encoded = Json::array();
  for (const c10::IValue& value : args) encoded.push_back(encode_value(value, writer_));
  cases_.back()["calls"].push_back({{"method", "forward"},
                                    {"args", encoded},
                                    {"kwargs", Json::object()},
                                    {"outputs", encode_value(outputs, writer_)}});
}

void OutputFile::write() const {
  if (path_.empty()) return;
  const Json document = {{"schema_version", 1}, {"cases", cases_}};
  writer_.write(path_, {{"tsharness", document.dump()}});
}

}  // namespace tsharness
