#include <ATen/Context.h>

#include "core/measure.h"
#include "core/process_info.h"
#include "runner/steps.h"

namespace tsharness {

namespace {

MeasureOptions parse_options(const Json& step) {
  MeasureOptions options;
  options.warmup_calls = step.value("warmup_calls", options.warmup_calls);
  options.warmup_seconds = step.value("warmup_seconds", options.warmup_seconds);
  options.min_calls = step.value("min_calls", options.min_calls);
  options.min_seconds = step.value("min_seconds", options.min_seconds);
  options.max_calls = step.value("max_calls", options.max_calls);
  return options;
}

}  // namespace

void bench_step(const Json& step, JobState& state) {
  const MeasureOptions options = parse_options(step);
  for_each_case(step, state, [&](const Case& one) {
    Session& session = state.loaded();
    at::manual_seed(state.job.seed);
    session.restore();
    std::vector<BoundCall> calls;
    for (const Call& call : one.calls) {
      calls.push_back(session.bind(call, state.case_file().tensors()).clone(session.device()));
    }
    // A sequence is timed as a whole: its calls may be of different methods, and a median over
    // these would be a figure of nothing.
    const Samples samples = measure(
        [&] {
          for (const BoundCall& call : calls) session.run(call);
          session.synchronize();
        },
        options);
    state.events.emit("result", {{"step", "bench"},
                                 {"case", one.name},
                                 {"calls_per_sample", calls.size()},
                                 {"warmup_seconds", samples.warmup},
                                 {"timed_seconds", samples.timed},
                                 {"peak_memory_bytes", peak_memory_bytes()}});
  });
}

}  // namespace tsharness
