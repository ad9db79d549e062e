#pragma once

#include <vector>

#include "runner/side.h"

namespace tsharness {

/// Whether two sides still give the same once they are timed, so that none wins because it stopped
/// computing: what timed runs gave, as often as a tenth of the time allows, and a few runs of both
/// behind the timing, at the same place of each side's own life.
class PairCheck {
 public:
  /// Of sides that were prepared, with the layers of the tolerance.
  PairCheck(Sides& sides, const TolerancePolicy& policy);

  /// What each side's last timed run gave. It must be as the other side's first, if that keeps
  /// nothing from run to run. Returns whether it was looked at: caches are cold then.
  bool look();

  /// Behind the timing: {"compared" (runs), "run" (the first one that differed, or null),
  /// "calls_per_run", "changed" (sides that no longer give what they gave at first), "outputs"
  /// (that differ), "problem" (why nothing can be said; or empty)}
  Json finish();

 private:
  bool compare(const std::vector<c10::IValue>& actual, const std::vector<c10::IValue>& expected,
               int64_t run);
  bool as_at_first(size_t side, const std::vector<c10::IValue>& outputs) const;
  bool level();
  void compare_runs();
  void find_run();

  Sides& sides_;
  const TolerancePolicy& policy_;
  double start_;
  double spent_ = 0;  ///< seconds of comparing
  int64_t compared_ = 0;
  int64_t run_ = 0;  ///< that differed; 0: none did
  Json changed_ = Json::array();
  Json outputs_ = Json::array();
  std::string problem_;
};

}  // namespace tsharness
