#include "core/measure.h"

#include <algorithm>
#include <chrono>

namespace tsharness {

namespace {

std::vector<double> time_calls(const std::function<void()>& call, int min_calls, double min_seconds,
                               int max_calls, const std::function<double()>& clock) {
  std::vector<double> samples;
  // Growing the vector inside the loop would be paid for by some call's neighbour.
  samples.reserve(static_cast<size_t>(std::max(min_calls, std::min(max_calls, 1 << 16))));
  const double start = clock();
  double before = start;
  while (static_cast<int>(samples.size()) < max_calls &&
         (static_cast<int>(samples.size()) < min_calls || before - start < min_seconds)) {
    before = clock();
    call();
    const double after = clock();
    samples.push_back(after - before);
    before = after;
  }
  return samples;
}

}  // namespace

double now_seconds() {
  using std::chrono::steady_clock;
  return std::chrono::duration<double>(steady_clock::now().time_since_epoch()).count();
}

Samples measure(const std::function<void()>& call, const MeasureOptions& options,
                const std::function<double()>& clock) {
  Samples samples;
  samples.warmup =
      time_calls(call, options.warmup_calls, options.warmup_seconds, options.max_calls, clock);
  samples.timed =
      time_calls(call, options.min_calls, options.min_seconds, options.max_calls, clock);
  return samples;
}

}  // namespace tsharness
