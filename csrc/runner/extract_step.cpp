#include <ATen/Context.h>

#include "core/extract.h"
#include "runner/output_file.h"
#include "runner/steps.h"

namespace tsharness {

void extract_step(const Json& step, JobState& state) {
  const auto name = step.at("case").get<std::string>();
  state.events.emit("step-begin", {{"step", "extract"}, {"case", name}});
  const PreparedCase one = prepare_case(state.case_file().find(name), step, state);
  Session& session = state.loaded();
  const Settings settings(step.value("settings", Json()));
  const auto call = step.value("call", size_t{0});
  const Extract extract(session, one.bound(call).method, step.at("point").get<int64_t>(),
                        step.value("operators", int64_t{1}));
  // Twice from the same state: what the first run changes, the second must not see.
  const auto run = [&](auto&& take) {
    session.restore();
    at::manual_seed(state.job.seed);
    for (size_t i = 0; i < call; ++i) session.run(one.inputs(i), settings.grad_mode());
    return take(one.inputs(call));
  };
  OutputFile kept(step.at("save_outputs").get<std::string>());
  const auto inputs = run(
      [&](const BoundCall& bound) { return extract.inputs(session, bound, settings.grad_mode()); });
  const auto outputs = run([&](const BoundCall& bound) {
    return extract.outputs(session, bound, settings.grad_mode());
  });
  kept.begin(name);
  kept.add(outputs, inputs);
  kept.write();
  const auto artifact = step.value("save", std::string());
  if (!artifact.empty()) {
    translating_errors(ErrorKind::Usage, [&] { extract.module().save(artifact); });
  }
  state.events.emit("result",
                    {{"step", "extract"}, {"case", name}, {"operators", extract.operators()}});
}

}  // namespace tsharness
