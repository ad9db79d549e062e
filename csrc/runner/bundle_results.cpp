#include "runner/bundle_results.h"

#include <unistd.h>

#include <iostream>
#include <optional>

#include "core/error.h"
#include "core/printable.h"
#include "core/whole_file.h"

namespace tsharness {

namespace {

namespace fs = std::filesystem;

/// Why nothing can be written there, if so.
std::optional<std::string> problem_of(const fs::path& path) {
  try {
    const WholeFile file(path.string());
    return std::nullopt;
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace

BundleResults::BundleResults(const BundleRequest& request) : path_(request.results) {
  const bool named = !path_.empty();
  if (!named) path_ = fs::path(request.folder) / "results.json";
  const auto problem = problem_of(path_);
  if (!problem) return;
  if (named) throw Error(ErrorKind::Usage, *problem + "; name another file: --output FILE");
  go_elsewhere(*problem);
}

void BundleResults::go_elsewhere(const std::string& problem) {
  std::error_code none;
  const fs::path folder = fs::temp_directory_path(none);
  path_ = folder / ("tsharness-results-" + std::to_string(::getpid()) + ".json");
  const bool kept = !folder.empty() && !fs::exists(path_, none) && !problem_of(path_);
  if (!kept) path_.clear();
  std::cerr << "note    " << one_line(problem) << "; the results "
            << (kept ? "go to " + one_line(path_.string()) : "are not kept")
            << " (--output FILE names another file)" << std::endl;
}

void BundleResults::write(const std::string& text) const {
  if (path_.empty()) return;
  try {
    WholeFile file(path_.string());
    file.stream() << text;
    file.commit();
    std::cout << "      all checks, judged, on a machine with Python: tsharness report "
              << one_line(path_.string()) << std::endl;
  } catch (const Error& error) {
    std::cerr << "error: " << one_line(error.what())
              << "; the results are not kept: name another file, --output FILE" << std::endl;
  }
}

}  // namespace tsharness
