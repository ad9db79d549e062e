#include "core/observe.h"
#include "core/resize.h"
#include "core/side_effects.h"
#include "core/walk.h"
#include "runner/steps.h"

namespace tsharness {

namespace {

Json shapes_of(const c10::IValue& outputs) {
  Json shapes = Json::object();
  ValueVisitor visitor;
  visitor.tensor = [&](const std::string& name, const at::Tensor& tensor) {
    shapes[name] = tensor.sizes().vec();
  };
  walk_value("output", outputs, visitor);
  return shapes;
}

}  // namespace

void resize_step(const Json& step, JobState& state) {
  const auto name = step.at("case").get<std::string>();
  const PreparedCase one = prepare_case(state.case_file().find(name), step, state);
  Session& session = state.loaded();
  for (const Json& variation : step.at("variations")) {
    const auto label = variation.at("label").get<std::string>();
    state.events.emit("step-begin", {{"step", "resize"}, {"case", label}});
    Json result = {{"step", "resize"}, {"case", label}, {"error", nullptr}};
    try {
      session.restore();
      const BoundCall call = resized(one.bound(0), variation, session);
      const c10::IValue outputs = session.run(call.clone(session.device()));
      result["shapes"] = shapes_of(outputs);
      result["finite"] = find_nonfinite("output", outputs).empty();
    } catch (...) {
      result["error"] = current_error(ErrorKind::Execution).what();
    }
    state.events.emit("result", result);
  }
}

}  // namespace tsharness
