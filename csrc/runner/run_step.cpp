#include <ATen/Context.h>

#include <cstdio>
#include <map>

#include "core/clock.h"
#include "core/compare.h"
#include "core/devices.h"
#include "core/observe.h"
#include "core/process_info.h"
#include "core/profile.h"
#include "core/side_effects.h"
#include "runner/output_file.h"
#include "runner/steps.h"

namespace tsharness {

namespace {

std::string hex(uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

/// Runs a case `repetitions` times and compares every call. A single call is repeated on the same
/// module, as a server does; a sequence starts from the state in which the module was loaded.
class CaseRun {
 public:
  CaseRun(const Case& one, const Json& step, JobState& state, GradMode mode)
      : case_(prepare_case(one, step, state)),
        state_(state),
        session_(state.loaded()),
        mode_(mode),
        vouched_(one.origin == "eager" || one.origin == "file"),
        keep_all_(step.value("save_all", false)),
        effects_(session_) {}

  /// Returns the "result" event.
  Json run(int repetitions, OutputFile& outputs) {
    at::manual_seed(state_.job.seed);
    session_.restore();
    outputs.begin(case_.name());
    Json calls = Json::array();
    for (int repetition = 0; repetition < repetitions; ++repetition) {
      if (case_.calls() > 1) session_.restore();
      for (size_t call = 0; call < case_.calls(); ++call) {
        calls.push_back(one_call(repetition, call, outputs));
      }
    }
    Json event = {{"step", "run"},         {"case", case_.name()},
                  {"passed", passed_},     {"calls", calls},
                  {"profiles", profiles_}, {"peak_memory_bytes", peak_memory_bytes()}};
    const Json effects = effects_.to_json();
    event.update(effects);
    event["problems"] = Json::array();
    for (const auto& one : effect_problems(effects, case_.calls() > 1, vouched_ && passed_)) {
      event["problems"].push_back({{"check", one.check}, {"text", one.text}});
    }
    return event;
  }

 private:
  Json one_call(int repetition, size_t call, OutputFile& outputs) {
    state_.events.emit(
        "progress",
        {{"step", "run"}, {"case", case_.name()}, {"repetition", repetition}, {"call", call}});
    const BoundCall inputs = case_.inputs(call);
    effects_.before(inputs);
    session_.synchronize();
    const int64_t heap = heap_bytes();
    const double start = now_seconds();
    const c10::IValue outputs_of_call = session_.run(inputs, mode_);
    session_.synchronize();
    const double seconds = now_seconds() - start;
    const int64_t held = heap_bytes() - heap;
    const c10::IValue actual = case_.arranged(call, outputs_of_call);
    effects_.after(actual);
    if (repetition == 0 || keep_all_) outputs.add(actual);
    const auto comparisons = case_.compare(call, actual);
    passed_ = passed_ && all_passed(comparisons);
    add_profiles(actual, case_.expected(call), comparisons, profiles_);
    Json details = Json::array();
    for (const auto& comparison : comparisons) details.push_back(to_json(comparison));
    return {{"repetition", repetition},
            {"call", call},
            {"seconds", seconds},
            {"held_bytes", held},
            {"fingerprint", hex(fingerprint(actual))},
            {"outputs", details}};
  }

  const PreparedCase case_;
  JobState& state_;
  Session& session_;
  GradMode mode_;
  bool vouched_;   ///< its outputs are not this artifact's own
  bool keep_all_;  ///< the outputs of every repetition, not of the first alone
  SideEffects effects_;
  bool passed_ = true;
  Json profiles_ = Json::object();
};

}  // namespace

void run_step(const Json& step, JobState& state) {
  const int usual = step.value("calls", 5);
  const auto others = step.value("calls_of", std::map<std::string, int>());
  if (usual < 1) throw Error(ErrorKind::Usage, "'calls' must be at least 1");
  const Settings settings(step.value("settings", Json()));
  OutputFile outputs(step.value("save_outputs", std::string()));
  for_each_case(step, state, [&](const Case& one) {
    CaseRun run(one, step, state, settings.grad_mode());
    const auto other = others.find(one.name);
    state.events.emit("result", run.run(other == others.end() ? usual : other->second, outputs));
  });
  outputs.write();
}

}  // namespace tsharness
