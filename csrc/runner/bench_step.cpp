#include "core/measure.h"
#include "runner/samples_file.h"
#include "runner/timed_run.h"

namespace tsharness {

namespace {

MeasureOptions parse_options(const Json& step) {
  MeasureOptions options;
  options.min_calls = step.value("min_calls", options.min_calls);
  options.min_seconds = step.value("min_seconds", options.min_seconds);
  options.block_seconds = step.value("block_seconds", options.block_seconds);
  options.system_root = step.value("system_root", options.system_root);
  if (options.block_seconds <= 0 || options.min_calls < 1) {
    throw Error(ErrorKind::Usage, "'block_seconds' and 'min_calls' must be positive");
  }
  return options;
}

}  // namespace

void bench_step(const Json& step, JobState& state) {
  MeasureOptions options = parse_options(step);
  SamplesFile samples(step.value("samples", std::string()));
  for_each_case(step, state, [&](const Case& one) {
    // A sequence is timed as a whole: its calls may be of different methods, and a median over
    // these would be a figure of nothing.
    TimedRun run(one, step, state);
    TimedCase& caller = run.caller();
    options.warmup = run.warmup_options();
    samples.begin(1);
    const Measured measured = Measurement(options).run(
        [&] { caller.run(); }, [&](const std::vector<double>& block) { samples.add(block); },
        [&] { run.look(); });
    run.finish();
    Json event = to_json(measured);
    event.update(run.to_json());
    event.update({{"step", "bench"}, {"samples", samples.end()}});
    state.events.emit("result", event);
  });
}

}  // namespace tsharness
