#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/clock.h"
#include "core/json.h"

namespace tsharness {

/// Calls that were timed together.
struct CallBlock {
  int64_t calls = 0;
  double seconds = 0;  ///< of all of them

  double seconds_per_call() const { return seconds / static_cast<double>(calls); }
};

/// Where a series of times stops changing: the number of leading values without which the mean of
/// the others is known best. That is the marginal standard error rule, MSER (White, "An effective
/// truncation heuristic for bias reduction in simulation output", Simulation 69, 1997), on the
/// logarithms, so that a single slow value counts for little. At least `kFewest` values are left.
class ChangePoint {
 public:
  static constexpr size_t kFewest = 5;

  void add(double seconds);
  size_t values() const { return logs_.size(); }
  size_t transient() const;
  /// True if the transient is over for at least as long as it was, the condition under which MSER
  /// may be believed. Never of 10 values or less: of those of a steady fall, too, half would do.
  bool steady() const;

 private:
  std::vector<double> logs_;
};

struct WarmUpOptions {
  double min_seconds = 0.05;  ///< the clock of an idle core takes some tens of ms to rise
  double max_seconds = 5;
  size_t min_blocks = 12;
};

/// What came before the steady state.
struct WarmUp {
  std::vector<CallBlock> blocks;  ///< the first one is the first call of all
  size_t transient = 0;           ///< blocks that were not yet steady
  bool steady = false;            ///< false if `max_seconds` came first

  int64_t calls() const;
  double seconds() const;
  /// As the last blocks had it.
  double seconds_per_call() const;
};

Json to_json(const WarmUp& warmup);

/// Seconds on a steady clock; tests have their own.
using Clock = std::function<double()>;

/// Runs `call` until its time no longer changes. Blocks grow from one call to about 2 ms, so that
/// the calls at which LibTorch profiles and compiles stand alone. `pause` is called behind each,
/// untimed.
WarmUp warm_up(const std::function<void()>& call, const WarmUpOptions& options = {},
               const std::function<void()>& pause = {}, const Clock& clock = now_seconds);

}  // namespace tsharness
