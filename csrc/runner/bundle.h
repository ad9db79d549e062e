#pragma once

#include <string>

namespace tsharness {

/// What `--bundle` asks for.
struct BundleRequest {
  std::string folder;   ///< with bundle.json (docs/how-to/bare-host.md)
  std::string results;  ///< where to write what came of it; empty: results.json in the folder
  std::string only;     ///< "verify" or "bench"; empty: all of it
};

/// Does the jobs of a bundle, each in a process of its own, prints a line a case, and writes all
/// that they said for `tsharness report`. Returns the exit code of what was seen here: cases that
/// differ, errors, deaths; what the other checks say is judged by `tsharness report`. Where the
/// results cannot be written, that is said before anything runs, and they go elsewhere. Raises
/// Error(Usage) for a folder that is no bundle, and for a file of the results that was named and
/// cannot be written.
int run_bundle(const BundleRequest& request);

}  // namespace tsharness
