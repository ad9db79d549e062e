#include <algorithm>
#include <array>
#include <random>

#include "core/clock.h"
#include "core/process_info.h"
#include "core/warmup.h"
#include "runner/pair_check.h"
#include "runner/steps.h"

namespace tsharness {

namespace {

Sides load_sides(const Json& step, const Job& job, size_t first) {
  const Json& given = step.at("sides");
  Sides sides;
  for (const size_t i : {first, 1 - first}) sides[i] = std::make_unique<Side>(given.at(i), job);
  return sides;
}

/// Pairs of short blocks in random order, until the time is over.
class Interleaving {
 public:
  Interleaving(const Json& step, Sides& sides)
      : sides_(sides),
        order_(step.value("seed", uint64_t{0})),
        block_seconds_(step.value("block_seconds", 1e-3)),
        seconds_(step.value("seconds", 0.4)),
        min_pairs_(step.value("min_pairs", size_t{3})),
        switches_(sides[0]->settings() != sides[1]->settings()) {
    if (block_seconds_ <= 0 || seconds_ < 0) {
      throw Error(ErrorKind::Usage, "'block_seconds' and 'seconds' must be positive");
    }
  }

  /// Then each block's length is known.
  void warm_up() {
    WarmUpOptions options;
    options.min_seconds = std::max(options.min_seconds, seconds_ / 4);
    options.max_seconds = kLongestWarmup * options.min_seconds;
    for (size_t i = 0; i < 2; ++i) {
      times_[i] = tsharness::calls_per_block(block_seconds_, sides_[i]->warm_up(options));
    }
  }

  /// After the warm-up of sides that keep state, each block is as many runs of the one as of the
  /// other: their outputs can be compared only where both ran as often.
  void equal_blocks() { times_.fill(std::min(times_[0], times_[1])); }

  Json pairs(PairCheck& check) {
    Json found = Json::array();
    bool looked = false;
    const double start = now_seconds();
    while (found.size() < min_pairs_ || now_seconds() - start < seconds_) {
      const size_t first = order_() % 2;
      std::array<double, 2> seconds{};
      for (const size_t i : {first, 1 - first}) {
        seconds[i] = sides_[i]->block(times_[i], switches_ || looked);
      }
      found.push_back(seconds);
      looked = check.look();
    }
    return found;
  }

  const std::array<int64_t, 2>& calls_per_block() const { return times_; }

 private:
  static constexpr double kLongestWarmup = 4;  // times the shortest

  Sides& sides_;
  std::mt19937_64 order_;
  double block_seconds_;
  double seconds_;
  size_t min_pairs_;
  bool switches_;  ///< of settings between the blocks: what follows is to be warm again
  std::array<int64_t, 2> times_{1, 1};
};

}  // namespace

void ab_step(const Json& step, JobState& state) {
  state.events.emit("step-begin", {{"step", "ab"}});
  for (const std::string& library : state.job.libraries) load_library(library);
  // Who comes first is the step's choice: it decides where things lie, and who pays for what both
  // need.
  const size_t first = step.value("first", size_t{0}) % 2;
  Sides sides = load_sides(step, state.job, first);
  for_each_case(step, state, [&](const Case& one) {
    const auto& tensors = state.case_file().tensors();
    for (const size_t i : {first, 1 - first}) sides[i]->prepare(one, tensors, state.job.seed);
    const TolerancePolicy policy = sides[1]->policy(one.tolerance, step.value("tolerance", Json()));
    const Json compared = sides[1]->compare(sides[1]->first(), sides[0]->first(), policy);
    PairCheck check(sides, policy);
    Interleaving interleaving(step, sides);
    interleaving.warm_up();
    if (sides[0]->keeps_state() && sides[1]->keeps_state()) interleaving.equal_blocks();
    const Json pairs = interleaving.pairs(check);
    state.events.emit("result", {{"step", "ab"},
                                 {"case", one.name},
                                 {"first", first},
                                 {"sides", {sides[0]->to_json(), sides[1]->to_json()}},
                                 {"calls_per_block", interleaving.calls_per_block()},
                                 {"pairs", pairs},
                                 {"outputs", compared},
                                 {"later", check.finish()}});
  });
}

}  // namespace tsharness
