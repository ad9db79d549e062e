#pragma once

#include <memory>
#include <vector>

#include "core/session.h"
#include "core/settings.h"
#include "core/timed_case.h"
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

  /// The calls of a case, on the module as it was loaded. Returns what the first time gave, as
  /// copies: later calls may write into the same memory.
  std::vector<c10::IValue> prepare(const Case& one, const SafetensorsReader& tensors,
                                   uint64_t seed);

  /// Runs until its time no longer changes. Returns seconds that the case takes then.
  double warm_up(const WarmUpOptions& options);

  /// Seconds that the case takes, each of `times` times; with `again`, after one that is not timed.
  double block(int64_t times, bool again);

  /// What this side gave against what the other one gave, call by call.
  Json compare(const std::vector<c10::IValue>& actual, const std::vector<c10::IValue>& expected,
               const Json& of_file, const Json& stated) const;

  /// {"load_seconds", "load_bytes" of heap, "first_seconds"}
  Json to_json() const;

 private:
  Json settings_;
  c10::Device device_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<TimedCase> timed_;
  double load_seconds_ = 0;
  int64_t load_bytes_ = 0;
  double first_seconds_ = 0;
};

/// How often to run a case that takes `call` seconds so that it takes `block`.
int64_t calls_per_block(double block, double call);

}  // namespace tsharness
