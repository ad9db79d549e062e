#include <ATen/Context.h>

#include "core/synthesize.h"
#include "core/value_tree.h"
#include "runner/steps.h"

namespace tsharness {

namespace {

/// A candidate is {"name", "method", "inputs": [spec, ...]}.
class Probe {
 public:
  Probe(const Json& step, JobState& state)
      : state_(state), save_(step.value("save", std::string())) {}

  /// What the artifact raises with a candidate's inputs, or "".
  std::string try_out(const Json& candidate) {
    try {
      Session& session = state_.loaded();
      at::manual_seed(state_.job.seed);
      session.restore();
      const BoundCall call = made(candidate);
      const c10::IValue outputs = session.run(call.clone(session.device()));
      session.synchronize();
      keep(candidate, call, outputs);
      return "";
    } catch (...) {
      const std::string problem = current_error(ErrorKind::Execution).what();
      return problem.empty() ? "unknown error" : problem;
    }
  }

  /// The candidates that ran, with the artifact's own outputs as those that it must give.
  void write() const {
    if (save_.empty()) return;
    const Json document = {{"schema_version", 1}, {"cases", cases_}};
    writer_.write(save_, {{"tsharness", document.dump()}});
  }

 private:
  static BoundCall made(const Json& candidate) {
    BoundCall call{candidate.value("method", std::string("forward")), {}, {}};
    for (const Json& spec : candidate.at("inputs")) {
      call.kwargs.emplace(spec.at("name").get<std::string>(), synthesize(spec));
    }
    return call;
  }

  void keep(const Json& candidate, const BoundCall& call, const c10::IValue& outputs) {
    if (save_.empty()) return;
    Json kwargs = Json::object();
    for (const auto& [name, value] : call.kwargs) kwargs[name] = encode_value(value, writer_);
    const Json recorded = {{"method", call.method},
                           {"args", Json::array()},
                           {"kwargs", kwargs},
                           {"outputs", encode_value(outputs, writer_)}};
    cases_.push_back({{"name", candidate.at("name")},
                      {"family", "synthesized"},
                      {"origin", "runner"},
                      {"device", state_.loaded().device().is_cpu() ? "cpu" : "cuda"},
                      {"calls", {recorded}}});
  }

  JobState& state_;
  std::string save_;
  SafetensorsWriter writer_;
  Json cases_ = Json::array();
};

}  // namespace

void probe_step(const Json& step, JobState& state) {
  const bool all = step.value("all", false);
  Probe probe(step, state);
  for (const Json& candidate : step.at("candidates")) {
    // A candidate may crash the process: who watches must know which one it was.
    const auto label = candidate.at("name").get<std::string>();
    state.events.emit("step-begin", {{"step", "probe"}, {"case", label}});
    const std::string problem = probe.try_out(candidate);
    state.events.emit(
        "result",
        {{"step", "probe"}, {"case", label}, {"error", problem.empty() ? Json() : Json(problem)}});
    if (problem.empty() && !all) break;
  }
  probe.write();
}

}  // namespace tsharness
