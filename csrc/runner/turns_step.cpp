#include <iostream>

#include "core/process_info.h"
#include "core/value_tree.h"
#include "runner/output_file.h"
#include "runner/side.h"
#include "runner/steps.h"

namespace tsharness {

namespace {

/// Outputs of a case that another runner has saved.
std::vector<c10::IValue> saved_outputs(const std::string& path, const std::string& name) {
  const CaseFile file({path});
  std::vector<c10::IValue> outputs;
  for (const Call& call : file.find(name).calls) {
    // Copies: the file's mapping goes with it.
    outputs.push_back(clone_value(decode_value(call.outputs, file.tensors()), at::kCPU));
  }
  return outputs;
}

}  // namespace

/// Half of a comparison whose other half is a runner of another LibTorch: it cannot be in the same
/// process. Whoever has started both gives each its turns, a byte on standard input for each.
void turns_step(const Json& step, JobState& state) {
  state.events.emit("step-begin", {{"step", "turns"}});
  for (const std::string& library : state.job.libraries) load_library(library);
  Side side(step, state.job);
  const double block_seconds = step.value("block_seconds", 1e-3);
  OutputFile saved(step.value("save_outputs", std::string()));
  const auto theirs = step.value("compare", std::string());
  for_each_case(step, state, [&](const Case& one) {
    const auto outputs = side.prepare(one, state.case_file().tensors(), state.job.seed);
    saved.begin(one.name);
    for (const c10::IValue& value : outputs) saved.add(value);
    saved.write();
    Json compared = Json::array();
    if (!theirs.empty()) {
      compared = side.compare(outputs, saved_outputs(theirs, one.name), one.tolerance,
                              step.value("tolerance", Json()));
    }
    const WarmUpOptions options;
    const int64_t calls = calls_per_block(block_seconds, side.warm_up(options));
    const Json where = {{"step", "turns"}, {"case", one.name}};
    state.events.emit("progress", where);
    while (std::cin.get() != std::istream::traits_type::eof()) {
      Json turn = where;
      turn["seconds"] = side.block(calls, /*again=*/true);
      state.events.emit("progress", turn);
    }
    Json result = where;
    result.update(side.to_json());
    result["calls_per_block"] = calls;
    result["outputs"] = compared;
    state.events.emit("result", result);
  });
}

}  // namespace tsharness
