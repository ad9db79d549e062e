#include "core/clock.h"
#include "core/threads.h"
#include "runner/samples_file.h"
#include "runner/timed_run.h"

namespace tsharness {

namespace {

/// Callers that each ask again as soon as they were answered.
class ClosedLoop {
 public:
  ClosedLoop(std::vector<TimedCase>& callers, GradMode mode, double seconds)
      : callers_(callers), mode_(mode), seconds_(seconds) {}

  /// Start and end of every call, in turn, in seconds from the start: a list for each caller.
  std::vector<std::vector<double>> run() {
    std::vector<std::vector<double>> times(callers_.size());
    const double start = now_seconds() + kLeadSeconds;
    in_threads(callers_.size(), [&](size_t i) { one_caller(callers_[i], start, times[i]); });
    return times;
  }

 private:
  static constexpr double kLeadSeconds = 5e-3;  // until all threads are there

  void one_caller(TimedCase& timed, double start, std::vector<double>& times) {
    const GradGuard guard(mode_);
    sleep_until(start);
    double now = 0;
    while (now < seconds_) {
      const double before = now_seconds() - start;
      timed.run();
      now = now_seconds() - start;
      times.push_back(before);
      times.push_back(now);
    }
  }

  std::vector<TimedCase>& callers_;
  GradMode mode_;
  double seconds_;
};

}  // namespace

void throughput_step(const Json& step, JobState& state) {
  const auto callers = step.value("callers", size_t{1});
  const double seconds = step.value("seconds", 1.0);
  if (callers < 1 || seconds <= 0) {
    throw Error(ErrorKind::Usage, "'callers' and 'seconds' must be positive");
  }
  SamplesFile samples(step.value("samples", std::string()));
  for_each_case(step, state, [&](const Case& one) {
    TimedRun run(one, step, state, callers, step.value("shared", true));
    run.warm_up();
    ClosedLoop loop(run.callers(), run.grad_mode(), seconds);
    samples.begin(2);
    for (const std::vector<double>& times : loop.run()) samples.add(times);
    run.look();
    run.finish();
    Json event = run.to_json();
    event.update({{"step", "throughput"}, {"samples", samples.end()}});
    state.events.emit("result", event);
  });
}

}  // namespace tsharness
