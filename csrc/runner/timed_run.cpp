#include "runner/timed_run.h"

#include <ATen/Context.h>

#include "core/process_info.h"
#include "core/resize.h"

namespace tsharness {

Session& TimedRun::restored(JobState& state) {
  state.loaded().restore();
  at::manual_seed(state.job.seed);
  return state.loaded();
}

TimedRun::TimedRun(const Case& one, const Json& step, JobState& state, size_t callers, bool shared)
    : session_(restored(state)),
      seed_(state.job.seed),
      case_(prepare_case(one, step, state)),
      settings_(step.value("settings", Json())),
      guard_(settings_.grad_mode()),
      check_(case_, session_),
      resized_(step.contains("resize")) {
  warmup_options_.max_seconds = step.value("max_warmup_seconds", warmup_options_.max_seconds);
  const InputsMode inputs = inputs_mode_by_name(step.value("inputs", std::string("same")));
  const std::vector<BoundCall> calls = this->inputs(step);
  clones_.reserve(callers);  // the callers refer to them
  for (size_t i = 0; i < callers; ++i) {
    if (!shared) clones_.push_back(session_.clone());
    callers_.emplace_back(shared ? session_ : clones_.back(), calls, inputs);
  }
}

std::vector<BoundCall> TimedRun::inputs(const Json& step) const {
  std::vector<BoundCall> calls = case_.bound();
  for (const Json& change : step.value("resize", Json::array())) {
    for (BoundCall& call : calls) call = resized(call, change, session_);
  }
  return calls;
}

const WarmUp& TimedRun::warm_up() {
  warmup_ =
      tsharness::warm_up([this] { callers_.front().run(); }, warmup_options_, [this] { look(); });
  for (size_t i = 1; i < clones_.size(); ++i) {
    tsharness::warm_up([this, i] { callers_[i].run(); }, warmup_options_);
  }
  return warmup_;
}

void TimedRun::finish() {
  if (resized_) return;
  const auto one = [this](const Session& session) {
    TimedCase fresh(session, case_.bound());
    at::manual_seed(seed_);
    fresh.run();
    check_.finish(fresh.outputs(), session);
  };
  if (clones_.empty()) one(session_);
  for (const Session& clone : clones_) one(clone);
}

Json TimedRun::to_json() const {
  const TimedCase& first = callers_.front();
  Json json = {{"case", case_.name()},           {"calls_per_sample", first.calls()},
               {"input_copies", first.copies()}, {"input_bytes", first.input_bytes()},
               {"outputs", check_.to_json()},    {"peak_memory_bytes", peak_memory_bytes()}};
  if (!warmup_.blocks.empty()) json["warmup"] = tsharness::to_json(warmup_);
  return json;
}

}  // namespace tsharness
