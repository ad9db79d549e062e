#pragma once

#include <filesystem>
#include <string>

#include "runner/bundle.h"

namespace tsharness {

/// Where the results of a bundle go. That they cannot be kept does not keep the verdict from being
/// said: of a bundle that nobody may write to (a mounted image, a folder of another user), they go
/// to the folder for temporary files, and that is said at once.
class BundleResults {
 public:
  /// Raises Error(Usage) if the file that somebody has named cannot be written.
  explicit BundleResults(const BundleRequest& request);

  /// Says where they are, or that they could not be kept.
  void write(const std::string& text) const;

 private:
  void go_elsewhere(const std::string& problem);

  std::filesystem::path path_;  ///< empty: nowhere
};

}  // namespace tsharness
