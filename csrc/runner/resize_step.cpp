#include <ATen/ATen.h>

#include "core/observe.h"
#include "core/side_effects.h"
#include "core/walk.h"
#include "runner/prepared_case.h"

namespace tsharness {

namespace {

/// The tensor with `size` indices in `dim`: cut off, or begun anew as often as needed.
at::Tensor resized(const at::Tensor& tensor, int64_t dim, int64_t size) {
  if (dim >= tensor.dim() || tensor.size(dim) == 0) {
    throw Error(ErrorKind::Usage, "no dim " + std::to_string(dim) + " to resize");
  }
  const auto index = at::arange(size, at::kLong).remainder(tensor.size(dim));
  return tensor.index_select(dim, index.to(tensor.device()));
}

/// A variation is {"label", "dims": [[argument, dim], ...], "size"}.
BoundCall varied(const BoundCall& call, const Json& variation, const Session& session) {
  BoundCall result = call;
  const auto schema = session.schema(call.method);
  for (const Json& place : variation.at("dims")) {
    const auto name = place.at(0).get<std::string>();
    c10::IValue* value = nullptr;
    for (size_t i = 0; i < result.args.size(); ++i) {
      if (schema.arguments().at(i + 1).name() == name) value = &result.args[i];
    }
    if (result.kwargs.count(name) > 0) value = &result.kwargs.at(name);
    if (value == nullptr || !value->isTensor()) {
      throw Error(ErrorKind::Usage, "no tensor argument '" + name + "' to resize");
    }
    *value =
        resized(value->toTensor(), place.at(1).get<int64_t>(), variation.at("size").get<int64_t>());
  }
  return result;
}

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
  const PreparedCase one(state.case_file().find(name), step, state);
  Session& session = state.loaded();
  for (const Json& variation : step.at("variations")) {
    const auto label = variation.at("label").get<std::string>();
    state.events.emit("step-begin", {{"step", "resize"}, {"case", label}});
    Json result = {{"step", "resize"}, {"case", label}, {"error", nullptr}};
    try {
      session.restore();
      const BoundCall call = varied(one.bound(0), variation, session);
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
