#pragma once

#include <array>
#include <memory>
#include <vector>

#include "core/session.h"
#include "core/settings.h"
#include "core/timed_case.h"
#include "core/tolerance.h"
#include "core/warmup.h"
#include "runner/job.h"

namespace tsharness {

/// One of the two that are compared: an artifact on a device, with its settings.
class Side {
 public:
  /// Loads it. `json` is {"artifact", "judged", "device", "settings", "cast"}; what it lacks is the
  /// job's. Raises as `Session` does.
  Side(const Json& json, const Job& job);

  const Json& settings() const { return settings_; }
  c10::Device device() const { return device_; }

  /// The calls of a case, on the module as it was loaded. Returns what the first run of them gave,
  /// as copies: later calls may write into the same memory.
  const std::vector<c10::IValue>& prepare(const Case& one, const SafetensorsReader& tensors,
                                          uint64_t seed);

  /// What the first run gave.
  const std::vector<c10::IValue>& first() const { return first_; }
  /// One more run, of fresh copies of the inputs, with the random numbers of the first one. Returns
  /// copies of what it gave.
  std::vector<c10::IValue> run_once();
  /// What the last timed run gave, if it must be what the first one gave where a module keeps
  /// nothing: it drew no random numbers and wrote into no input. Nothing otherwise.
  std::vector<c10::IValue> timed_outputs() const;
  /// Of the case, since the module was loaded.
  int64_t runs() const { return runs_; }
  /// Seconds that a run takes once it is warm.
  double seconds_per_run() const { return seconds_per_run_; }
  /// Whether what a run gives may depend on how many there were before: a kind of artifact whose
  /// state nobody can look at may always do so.
  bool keeps_state() const;
  /// Runs until there were so many.
  void catch_up(int64_t runs);
  /// The module as it was loaded, before its first run.
  void restart();

  /// Runs until its time no longer changes. Returns seconds that the case takes then.
  double warm_up(const WarmUpOptions& options);

  /// Seconds that the case takes, each of `times` times; with `again`, after one that is not timed.
  double block(int64_t times, bool again);

  /// What this side gave against what the other one gave, call by call.
  Json compare(const std::vector<c10::IValue>& actual, const std::vector<c10::IValue>& expected,
               const TolerancePolicy& policy) const;

  /// By what this side's outputs are judged: what the case file states, and what was asked for.
  TolerancePolicy policy(const Json& of_file, const Json& stated) const;

  /// {"load_seconds", "load_bytes" of heap, "first_seconds"}
  Json to_json() const;

 private:
  std::vector<c10::IValue> outputs_of(const TimedCase& run) const;
  std::vector<uint32_t> input_versions() const;

  Json settings_;
  c10::Device device_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<TimedCase> timed_;
  std::vector<BoundCall> calls_;
  std::vector<c10::IValue> likes_;  ///< the containers of what each call gives
  std::vector<c10::IValue> first_;
  std::vector<uint32_t> versions_;  ///< of the timed inputs, before the first run
  uint64_t seed_ = 0;
  at::Tensor random_;  ///< the generator's state, before the first run
  int64_t runs_ = 0;
  double seconds_per_run_ = 0;
  double load_seconds_ = 0;
  int64_t load_bytes_ = 0;
  double first_seconds_ = 0;
};

using Sides = std::array<std::unique_ptr<Side>, 2>;

/// How often to run a case that takes `call` seconds so that it takes `block`.
int64_t calls_per_block(double block, double call);

}  // namespace tsharness
