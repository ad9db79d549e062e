#pragma once

#include <string>
#include <vector>

// This header is what an application needs that verifies its artifacts as it starts: it includes
// nothing of LibTorch.

namespace tsharness {

struct VerifyOptions {
  std::string device = "cpu";
  /// A case file that wins over the artifact's own.
  std::string cases;
  /// How often each case is called; every call is compared. The second one runs what the executor
  /// has optimised after the first.
  int calls = 2;
  /// Whether to look at the checksum of every record, which LibTorch's loader does not, and at the
  /// hash of the content that the cases carry.
  bool checksums = true;
};

/// What came of one case.
struct CaseVerdict {
  std::string name;
  /// In words, the first difference, error or effect of a call; empty if there was none.
  std::string problem;
};

/// What came of an artifact.
struct Verification {
  std::string artifact;
  /// What kept it from being run at all; empty if nothing did.
  std::string problem;
  std::vector<CaseVerdict> cases;

  /// True if it ran, there was at least one case, and no case has a problem.
  bool passed() const;
  /// The verdict in a line, and a line for every problem.
  std::string text() const;
};

/// Loads the artifact and compares what it computes with the outputs that its cases record (inside
/// it, or beside it as `<artifact>.cases.safetensors`), each call within the tolerance that
/// docs/comparison.md states. What the calls show besides is judged too, as the checks
/// inputs-unchanged, state, aliasing and finite do; the other checks of docs/checks.md are the
/// command's.
/// It runs in the calling process, without the cage that `tsharness-runner` locks itself into: what
/// nobody vouches for is for that one to verify. Whatever is wrong with the artifact is in the
/// answer; nothing is thrown for it.
Verification verify_artifact(const std::string& path, const VerifyOptions& options = {});

}  // namespace tsharness
