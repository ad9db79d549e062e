#pragma once

#include <functional>
#include <vector>

namespace tsharness {

/// How long to measure. Warm-up ends when both of its bounds are met, and so does the timed part.
struct MeasureOptions {
  int warmup_calls = 10;
  double warmup_seconds = 0.1;
  int min_calls = 30;
  double min_seconds = 1.0;
  int max_calls = 1'000'000;  ///< of the timed part: bounds the memory that samples take
};

/// Durations in seconds, in the order of the calls; nothing is left out.
struct Samples {
  std::vector<double> warmup;  ///< the first is the first call of all
  std::vector<double> timed;
};

/// Seconds on a steady clock, from an arbitrary start.
double now_seconds();

/// Times each run of `call`, which must not return before its work is done.
/// `clock` is replaced by tests.
Samples measure(const std::function<void()>& call, const MeasureOptions& options,
                const std::function<double()>& clock = now_seconds);

}  // namespace tsharness
