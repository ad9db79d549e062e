#include <ATen/Context.h>

#include "core/call_progress.h"
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

  /// Of one candidate: "error" (what the artifact raised, or null), "operators" (how many the call
  /// had begun by then) and "raised" (the operator that an exception left).
  Json try_out(const Json& candidate) {
    const CallProgress progress;
    Json error;
    try {
      Session& session = state_.loaded();
      at::manual_seed(state_.job.seed);
      session.restore();
      const BoundCall call = made(candidate);
      const c10::IValue outputs = session.run(call.clone(session.device()));
      session.synchronize();
      keep(candidate, call, outputs);
    } catch (...) {
      const std::string problem = current_error(ErrorKind::Execution).what();
      error = problem.empty() ? "unknown error" : problem;
    }
    return {{"error", error}, {"operators", progress.operators()}, {"raised", progress.raised()}};
  }

  /// The candidates that ran, with the artifact's own outputs as those that it must give.
  void write() const {
    if (save_.empty()) return;
    const Json document = {{"schema_version", 1}, {"cases", cases_}};
    writer_.write(save_, {{"tsharness", document.dump()}});
  }

 private:
  BoundCall made(const Json& candidate) const {
    BoundCall call{candidate.value("method", std::string("forward")), {}, {}};
    for (const Json& spec : candidate.at("inputs")) {
      const auto name = spec.at("name").get<std::string>();
      call.kwargs.emplace(name, synthesize(spec, declared_type(call.method, name)));
    }
    return call;
  }

  /// Null where the file knows leaves alone, or has no such argument.
  c10::TypePtr declared_type(const std::string& method, const std::string& name) const {
    if (state_.loaded().flat()) return nullptr;
    for (const c10::Argument& argument : state_.loaded().schema(method).arguments()) {
      if (argument.name() == name) return argument.type();
    }
    return nullptr;
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
    Json result = probe.try_out(candidate);
    const bool worked = result["error"].is_null();
    result.update({{"step", "probe"}, {"case", label}});
    state.events.emit("result", result);
    if (worked && !all) break;
  }
  probe.write();
}

}  // namespace tsharness
