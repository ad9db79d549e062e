#include <ATen/Context.h>

#include <algorithm>
#include <array>
#include <random>

#include "core/clock.h"
#include "core/compare.h"
#include "core/devices.h"
#include "core/process_info.h"
#include "core/settings.h"
#include "core/timed_case.h"
#include "core/value_tree.h"
#include "core/warmup.h"
#include "runner/steps.h"

namespace tsharness {

namespace {

/// One of the two that are compared: an artifact on a device, with its settings.
class Side {
 public:
  Side(const Json& json, const Job& job)
      : settings_(json.value("settings", Json::object())),
        device_(available_device(json.value("device", job.device))) {
    const int64_t heap = heap_bytes();
    const Settings active(settings_);
    const double start = now_seconds();
    session_ = std::make_unique<Session>(json.value("artifact", job.artifact), device_,
                                         Cast(json.value("cast", Json())));
    session_->synchronize();
    load_seconds_ = now_seconds() - start;
    load_bytes_ = heap_bytes() - heap;
  }

  const Json& settings() const { return settings_; }
  c10::Device device() const { return device_; }

  /// The calls of a case, on the module as it was loaded. Returns what the first time gave.
  std::vector<c10::IValue> prepare(const Case& one, const SafetensorsReader& tensors,
                                   uint64_t seed) {
    const Settings active(settings_);
    session_->restore();
    std::vector<BoundCall> calls;
    for (const Call& call : one.calls) calls.push_back(session_->bind(call, tensors));
    timed_ = std::make_unique<TimedCase>(*session_, calls);
    at::manual_seed(seed);
    const GradGuard guard(active.grad_mode());
    const double start = now_seconds();
    timed_->run();
    first_seconds_ = now_seconds() - start;
    return timed_->outputs();
  }

  /// Runs until its time no longer changes. Returns seconds that the case takes then.
  double warm_up(const WarmUpOptions& options) {
    const Settings active(settings_);
    const GradGuard guard(active.grad_mode());
    return tsharness::warm_up([this] { timed_->run(); }, options).seconds_per_call();
  }

  /// Seconds that the case takes, each of `times` times; with `again`, after one that is not timed.
  double block(int64_t times, bool again) {
    const Settings active(settings_);
    const GradGuard guard(active.grad_mode());
    if (again) timed_->run();
    const double start = now_seconds();
    for (int64_t i = 0; i < times; ++i) timed_->run();
    return (now_seconds() - start) / static_cast<double>(times);
  }

  Json to_json() const {
    return {{"load_seconds", load_seconds_},
            {"load_bytes", load_bytes_},
            {"first_seconds", first_seconds_}};
  }

 private:
  Json settings_;
  c10::Device device_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<TimedCase> timed_;
  double load_seconds_ = 0;
  int64_t load_bytes_ = 0;
  double first_seconds_ = 0;
};

using Sides = std::array<std::unique_ptr<Side>, 2>;

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
    for (size_t i = 0; i < 2; ++i) times_[i] = times(sides_[i]->warm_up(options));
  }

  Json pairs() {
    Json found = Json::array();
    const double start = now_seconds();
    while (found.size() < min_pairs_ || now_seconds() - start < seconds_) {
      const size_t first = order_() % 2;
      std::array<double, 2> seconds{};
      for (const size_t i : {first, 1 - first}) seconds[i] = sides_[i]->block(times_[i], switches_);
      found.push_back(seconds);
    }
    return found;
  }

  const std::array<int64_t, 2>& calls_per_block() const { return times_; }

 private:
  static constexpr double kLongestWarmup = 4;  // times the shortest

  int64_t times(double call) const {
    return std::max<int64_t>(1, static_cast<int64_t>(block_seconds_ / std::max(call, 1e-9)));
  }

  Sides& sides_;
  std::mt19937_64 order_;
  double block_seconds_;
  double seconds_;
  size_t min_pairs_;
  bool switches_;  ///< of settings between the blocks: what follows is to be warm again
  std::array<int64_t, 2> times_{1, 1};
};

Json compare_outputs(const std::vector<c10::IValue>& actual,
                     const std::vector<c10::IValue>& expected, const TolerancePolicy& policy) {
  Json compared = Json::array();
  for (size_t i = 0; i < actual.size(); ++i) {
    for (const auto& one : compare_values(actual[i], expected[i], policy)) {
      compared.push_back(to_json(one));
    }
  }
  return compared;
}

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
    std::array<std::vector<c10::IValue>, 2> outputs;
    for (const size_t i : {first, 1 - first}) {
      for (const c10::IValue& value : sides[i]->prepare(one, tensors, state.job.seed)) {
        // A copy: later calls may write into the same memory.
        outputs[i].push_back(clone_value(value, at::kCPU));
      }
    }
    const c10::DeviceType device = sides[1]->device().type();
    const TolerancePolicy policy({one.tolerance, step.value("tolerance", Json())}, device);
    const Json compared = compare_outputs(outputs[1], outputs[0], policy);
    Interleaving interleaving(step, sides);
    interleaving.warm_up();
    const Json pairs = interleaving.pairs();
    state.events.emit("result", {{"step", "ab"},
                                 {"case", one.name},
                                 {"first", first},
                                 {"sides", {sides[0]->to_json(), sides[1]->to_json()}},
                                 {"calls_per_block", interleaving.calls_per_block()},
                                 {"pairs", pairs},
                                 {"outputs", compared}});
  });
}

}  // namespace tsharness
