#include <iostream>

#include "core/process_info.h"
#include "core/value_tree.h"
#include "runner/output_file.h"
#include "runner/side.h"
#include "runner/steps.h"

namespace tsharness {

namespace {

constexpr int kLaterRuns = 3;

using Outputs = std::vector<c10::IValue>;

/// Runs of a case that another runner has saved: its first one, and those behind its turns.
std::vector<Outputs> saved_runs(const std::string& path, const Case& one) {
  const CaseFile file({path});
  std::vector<Outputs> runs;
  for (const Call& call : file.find(one.name).calls) {
    if (runs.empty() || runs.back().size() == one.calls.size()) runs.emplace_back();
    // Copies: the file's mapping goes with it.
    runs.back().push_back(clone_value(decode_value(call.outputs, file.tensors()), at::kCPU));
  }
  return runs;
}

/// What it gives once its turns are over, against what the other one gave then.
class LaterRuns {
 public:
  LaterRuns(Side& side, const Case& one, const TolerancePolicy& policy)
      : side_(side), case_(one), policy_(policy) {}

  void save(OutputFile& saved) {
    for (int i = 0; i < kLaterRuns; ++i) {
      for (const c10::IValue& value : once()) saved.add(value);
    }
    saved.write();
  }

  void compare(const std::string& theirs) {
    const auto runs = saved_runs(theirs, case_);
    for (size_t i = 1; i < runs.size() && run_ == 0; ++i) {
      ++compared_;
      for (const Json& one : side_.compare(once(), runs[i], policy_)) {
        if (one.at("passed").get<bool>()) continue;
        outputs_.push_back(one);
        run_ = side_.runs();
      }
    }
  }

  Json to_json() const {
    return {{"compared", compared_},
            {"run", run_ > 0 ? Json(run_) : Json()},
            {"calls_per_run", case_.calls.size()},
            {"changed", changed_},
            {"outputs", outputs_}};
  }

 private:
  Outputs once() {
    Outputs outputs = side_.run_once();
    for (const Json& one : side_.compare(outputs, side_.first(), policy_)) {
      changed_ = changed_ || !one.at("passed").get<bool>();
    }
    return outputs;
  }

  Side& side_;
  const Case& case_;
  const TolerancePolicy& policy_;
  int64_t compared_ = 0;
  int64_t run_ = 0;
  bool changed_ = false;  ///< since its first run
  Json outputs_ = Json::array();
};

/// How it stands, for whoever must bring both to the same number of runs.
Json standing(const Side& side) {
  return {{"runs", side.runs()},
          {"keeps_state", side.keeps_state()},
          {"seconds_per_run", side.seconds_per_run()}};
}

/// A line is a turn; one with a number asks for so many runs in all, which nobody times.
void take_turns(Side& side, int64_t calls, EventSink& events, const Json& where) {
  for (std::string line; std::getline(std::cin, line);) {
    Json turn = where;
    if (line.empty()) {
      turn["seconds"] = side.block(calls, /*again=*/true);
    } else {
      side.catch_up(std::stoll(line));
    }
    turn.update(standing(side));
    events.emit("progress", turn);
  }
}

}  // namespace

/// Half of a comparison whose other half is a runner of another LibTorch: it cannot be in the same
/// process. Whoever has started both gives each its turns, a line on standard input for each.
void turns_step(const Json& step, JobState& state) {
  state.events.emit("step-begin", {{"step", "turns"}});
  for (const std::string& library : state.job.libraries) load_library(library);
  Side side(step, state.job);
  const double block_seconds = step.value("block_seconds", 1e-3);
  OutputFile saved(step.value("save_outputs", std::string()));
  const auto theirs = step.value("compare", std::string());
  for_each_case(step, state, [&](const Case& one) {
    const auto& outputs = side.prepare(one, state.case_file().tensors(), state.job.seed);
    saved.begin(one.name);
    for (const c10::IValue& value : outputs) saved.add(value);
    saved.write();
    const TolerancePolicy policy = side.policy(one.tolerance, step.value("tolerance", Json()));
    Json compared = Json::array();
    if (!theirs.empty()) {
      compared = side.compare(outputs, saved_runs(theirs, one).front(), policy);
    }
    const WarmUpOptions options;
    const int64_t calls = calls_per_block(block_seconds, side.warm_up(options));
    const Json where = {{"step", "turns"}, {"case", one.name}};
    Json ready = where;
    ready.update(standing(side));
    state.events.emit("progress", ready);
    take_turns(side, calls, state.events, where);
    LaterRuns later(side, one, policy);
    theirs.empty() ? later.save(saved) : later.compare(theirs);
    Json result = where;
    result.update(side.to_json());
    result["calls_per_block"] = calls;
    result["outputs"] = compared;
    result["later"] = later.to_json();
    state.events.emit("result", result);
  });
}

}  // namespace tsharness
