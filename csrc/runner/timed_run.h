#pragma once

#include <vector>

#include "core/settings.h"
#include "core/timed_case.h"
#include "core/warmup.h"
#include "runner/output_check.h"
#include "runner/steps.h"

namespace tsharness {

/// A case that is made ready to be timed, by one caller or several, in the way that every scenario
/// has in common: a step's "settings", "inputs", "resize",
/// "tolerance". The settings hold as long as it
/// lives, the grad mode in the thread that made it alone.
class TimedRun {
 public:
  /// With `shared`, all callers are on the job's own module; else each is on a copy.
  TimedRun(const Case& one, const Json& step, JobState& state, size_t callers = 1,
           bool shared = true);

  std::vector<TimedCase>& callers() { return callers_; }
  TimedCase& caller() { return callers_.front(); }
  const WarmUpOptions& warmup_options() const { return warmup_options_; }
  GradMode grad_mode() const { return settings_.grad_mode(); }

  /// Every module is called until its time no longer changes. Returns the first caller's part.
  const WarmUp& warm_up();
  /// Compares what the first caller's last run gave.
  void look() {
    if (!resized_) check_.look(callers_.front().outputs());
  }

  /// Behind the timing: compares what every module that was called gives now.
  void finish();

  /// What every scenario's result has: "case", "calls_per_sample", "input_copies", "input_bytes",
  /// "warmup" if `warm_up` made one, "outputs", "peak_memory_bytes".
  Json to_json() const;

 private:
  static Session& restored(JobState& state);
  std::vector<BoundCall> inputs(const Json& step) const;

  Session& session_;
  uint64_t seed_;
  PreparedCase case_;
  Settings settings_;
  GradGuard guard_;
  std::vector<Session> clones_;
  std::vector<TimedCase> callers_;
  OutputCheck check_;
  bool resized_;  ///< what the outputs should be, nobody has recorded then
  WarmUpOptions warmup_options_;
  WarmUp warmup_;
};

}  // namespace tsharness
