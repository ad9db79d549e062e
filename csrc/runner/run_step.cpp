#include <ATen/Context.h>

#include "core/compare.h"
#include "core/devices.h"
#include "core/measure.h"
#include "core/process_info.h"
#include "core/value_tree.h"
#include "runner/steps.h"

namespace tsharness {

namespace {

/// The outputs of the first repetition of every case, if the step asks for them.
class OutputFile {
 public:
  explicit OutputFile(const Json& step) : path_(step.value("save_outputs", std::string())) {}

  void add(const std::string& case_name, size_t call, const c10::IValue& outputs) {
    if (path_.empty()) return;
    if (call == 0) cases_.push_back({{"name", case_name}, {"calls", Json::array()}});
    cases_.back()["calls"].push_back({{"method", ""},
                                      {"args", Json::array()},
                                      {"kwargs", Json::object()},
                                      {"outputs", encode_value(outputs, writer_)}});
  }

  void write() const {
    if (path_.empty()) return;
    const Json document = {{"schema_version", 1}, {"cases", cases_}};
    writer_.write(path_, {{"tsharness", document.dump()}});
  }

 private:
  std::string path_;
  Json cases_ = Json::array();
  SafetensorsWriter writer_;
};

TolerancePolicy policy_for(const Json& step, const Case& one, const Session& session) {
  return TolerancePolicy({one.tolerance, step.value("tolerance", Json())}, session.device().type());
}

/// Runs a case `repetitions` times and compares every call. A single call is repeated on the same
/// module, as a server does; a sequence starts from the state in which the module was loaded.
class CaseRun {
 public:
  CaseRun(const Case& one, JobState& state, const TolerancePolicy& policy)
      : case_(one), state_(state), session_(state.loaded()), policy_(policy) {
    const auto& tensors = state.case_file().tensors();
    for (const Call& call : one.calls) {
      bound_.push_back(session_.bind(call, tensors));
      expected_.push_back(decode_value(call.outputs, tensors));
    }
  }

  /// Returns the "result" event.
  Json run(int repetitions, OutputFile& outputs) {
    at::manual_seed(state_.job.seed);
    session_.restore();
    Json calls = Json::array();
    for (int repetition = 0; repetition < repetitions; ++repetition) {
      if (case_.calls.size() > 1) session_.restore();
      for (size_t call = 0; call < bound_.size(); ++call) {
        calls.push_back(one_call(repetition, call, outputs));
      }
    }
    return {{"step", "run"},
            {"case", case_.name},
            {"passed", passed_},
            {"calls", calls},
            {"state_changed", session_.state_changed()},
            {"peak_memory_bytes", peak_memory_bytes()}};
  }

 private:
  Json one_call(int repetition, size_t call, OutputFile& outputs) {
    state_.events.emit(
        "progress",
        {{"step", "run"}, {"case", case_.name}, {"repetition", repetition}, {"call", call}});
    const BoundCall inputs = bound_[call].clone(session_.device());
    session_.synchronize();
    const double start = now_seconds();
    const c10::IValue actual = session_.run(inputs);
    session_.synchronize();
    const double seconds = now_seconds() - start;
    if (repetition == 0) outputs.add(case_.name, call, actual);
    const bool same_device = session_.device().str().rfind(case_.device, 0) == 0;
    const auto comparisons = compare_values(actual, expected_[call], policy_, same_device);
    passed_ = passed_ && all_passed(comparisons);
    Json details = Json::array();
    for (const auto& comparison : comparisons) details.push_back(to_json(comparison));
    return {{"repetition", repetition}, {"call", call}, {"seconds", seconds}, {"outputs", details}};
  }

  const Case& case_;
  JobState& state_;
  Session& session_;
  const TolerancePolicy& policy_;
  std::vector<BoundCall> bound_;
  std::vector<c10::IValue> expected_;
  bool passed_ = true;
};

}  // namespace

void run_step(const Json& step, JobState& state) {
  const int repetitions = step.value("calls", 5);
  if (repetitions < 1) throw Error(ErrorKind::Usage, "'calls' must be at least 1");
  OutputFile outputs(step);
  for_each_case(step, state, [&](const Case& one) {
    const TolerancePolicy policy = policy_for(step, one, state.loaded());
    state.events.emit("result", CaseRun(one, state, policy).run(repetitions, outputs));
  });
  outputs.write();
}

}  // namespace tsharness
