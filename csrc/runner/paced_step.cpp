#include "core/clock.h"
#include "runner/samples_file.h"
#include "runner/timed_run.h"

namespace tsharness {

namespace {

/// Calls in bursts with idle time between them, in which clocks fall, caches go to others and
/// threads fall asleep. Rows: seconds of each call of a burst.
void run_bursts(TimedCase& timed, const Json& step, SamplesFile& samples) {
  const auto burst = step.value("burst", int64_t{1});
  const double gap = step.value("gap_seconds", 0.1);
  const auto bursts = step.value("bursts", int64_t{20});
  if (burst < 1 || gap < 0 || bursts < 1) {
    throw Error(ErrorKind::Usage, "'burst', 'gap_seconds' and 'bursts' must be positive");
  }
  std::vector<double> row(static_cast<size_t>(burst));
  samples.begin(burst);
  for (int64_t i = 0; i < bursts; ++i) {
    sleep_until(now_seconds() + gap);
    for (double& sample : row) {
      const double start = now_seconds();
      timed.run();
      sample = now_seconds() - start;
    }
    samples.add(row);
  }
}

}  // namespace

void paced_step(const Json& step, JobState& state) {
  SamplesFile samples(step.value("samples", std::string()));
  for_each_case(step, state, [&](const Case& one) {
    TimedRun run(one, step, state);
    const double steady = run.warm_up().seconds_per_call();
    run_bursts(run.caller(), step, samples);
    run.look();
    run.finish();
    Json event = run.to_json();
    event.update({{"step", "paced"}, {"steady_seconds", steady}, {"samples", samples.end()}});
    state.events.emit("result", event);
  });
}

}  // namespace tsharness
