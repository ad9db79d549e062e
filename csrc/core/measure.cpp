#include "core/measure.h"

#include <algorithm>
#include <numeric>

namespace tsharness {

namespace {

/// Bounds the memory that a block takes, and the work that is lost when it ends the process.
constexpr int64_t kLargestBlock = 1 << 15;

template <class AnyClock>
void time_calls(const std::function<void()>& call, std::vector<double>& samples,
                const AnyClock& clock) {
  for (double& sample : samples) {
    const double start = clock();
    call();
    sample = clock() - start;
  }
}

double median_of(std::vector<double> samples) {
  const auto middle = samples.begin() + static_cast<ptrdiff_t>(samples.size() / 2);
  std::nth_element(samples.begin(), middle, samples.end());
  return *middle;
}

}  // namespace

int64_t Measured::calls() const {
  return std::accumulate(
      blocks.begin(), blocks.end(), int64_t{0},
      [](int64_t sum, const TimedBlock& block) { return sum + block.calls.calls; });
}

Json to_json(const Measured& measured) {
  Json blocks = Json::array();
  for (const TimedBlock& block : measured.blocks) {
    Json one = block.counters.to_json();
    one.update({{"calls", block.calls.calls},
                {"seconds", block.calls.seconds},
                {"wall_seconds", block.wall_seconds},
                {"median_seconds", block.median}});
    blocks.push_back(one);
  }
  return {{"warmup", to_json(measured.warmup)},
          {"blocks", blocks},
          {"transient_blocks", measured.transient},
          {"steady", measured.steady}};
}

Measurement::Measurement(MeasureOptions options, Clock clock)
    : options_(std::move(options)), clock_(std::move(clock)) {}

Measured Measurement::run(const std::function<void()>& call, const SampleSink& sink,
                          const Pause& pause) const {
  const Clock clock = clock_ ? clock_ : now_seconds;
  Measured result;
  result.warmup = warm_up(call, options_.warmup, pause, clock);
  const auto wanted =
      static_cast<int64_t>(options_.block_seconds / result.warmup.seconds_per_call());
  std::vector<double> samples(static_cast<size_t>(std::clamp<int64_t>(wanted, 1, kLargestBlock)));
  ChangePoint change;
  double spent = 0;
  while (result.calls() < options_.min_calls || spent < options_.min_seconds) {
    const Counters before = Counters::now(options_.system_root);
    const double start = clock();
    clock_ ? time_calls(call, samples, clock_) : time_calls(call, samples, now_seconds);
    TimedBlock block;
    block.wall_seconds = clock() - start;
    block.counters = Counters::now(options_.system_root).since(before);
    block.calls.calls = static_cast<int64_t>(samples.size());
    block.calls.seconds = std::accumulate(samples.begin(), samples.end(), 0.0);
    block.median = median_of(samples);
    spent += block.calls.seconds;
    change.add(block.median);
    sink(samples);
    result.blocks.push_back(block);
    if (pause) pause();
  }
  result.transient = change.transient();
  result.steady = change.values() <= 2 * ChangePoint::kFewest || change.steady();
  return result;
}

}  // namespace tsharness
