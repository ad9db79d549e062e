#include "core/source_place.h"

#include <sstream>

namespace tsharness {

namespace {

/// A trace keeps Python's stack as its source: "path/model.py(14): forward" in every line, the
/// innermost first. The first one that is not torch's own; empty if the text is no such stack.
std::string caller_in_trace(const std::string& text) {
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) {
    const auto open = line.rfind('(');
    const auto close = line.find("): ", open == std::string::npos ? 0 : open);
    if (open == std::string::npos || close == std::string::npos) continue;
    const std::string place = line.substr(0, open) + ":" + line.substr(open + 1, close - open - 1);
    if (!is_of_torch(place)) return place;
  }
  return "";
}

}  // namespace

std::string source_place(const torch::jit::SourceRange& range) {
  const auto generator = range.findSourceRangeThatGenerated();
  const auto place = generator ? generator->file_line_col() : range.file_line_col();
  if (!place || std::get<0>(*place).empty()) return "";
  const std::string found = std::get<0>(*place) + ":" + std::to_string(std::get<1>(*place));
  if (!is_of_torch(found)) return found;
  const std::string traced =
      caller_in_trace((generator ? *generator : range).source()->text_str().str());
  return traced.empty() ? found : traced;
}

bool is_of_torch(const std::string& place) { return place.find("/torch/") != std::string::npos; }

}  // namespace tsharness
