#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "core/json.h"

namespace tsharness {

/// Raw samples of a step, float64 in the machine's byte order, as they come: nothing but the last
/// of them is in memory. The events say where in the file whose samples lie.
class SamplesFile {
 public:
  /// An empty path: nothing is written. Raises Error(Usage) if it cannot be.
  explicit SamplesFile(const std::string& path);

  /// Rows of `columns` values; the returned place is completed by `end`.
  void begin(int64_t columns);
  void add(const std::vector<double>& values);
  /// {"offset", "rows", "columns"}: the first value's number in the file, and how many follow.
  /// Raises Error(Usage) if the disk is full.
  Json end();

 private:
  std::string path_;
  std::ofstream file_;
  int64_t written_ = 0;
  int64_t begun_ = 0;
  int64_t columns_ = 1;
};

}  // namespace tsharness
