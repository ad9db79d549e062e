#include "core/instruction_counter.h"
#include "runner/timed_run.h"

namespace tsharness {

namespace {

constexpr int64_t kWarmUpCalls = 5;  // LibTorch profiles and compiles at the first ones

}  // namespace

// Under valgrind, this name says which instructions are the calls' own
// (tsharness/bench/valgrind.py).
extern "C" __attribute__((noinline, visibility("default"))) void tsharness_counted_calls(
    TimedCase& one, int64_t calls) {
  for (int64_t i = 0; i < calls; ++i) one.run();
}

void instructions_step(const Json& step, JobState& state) {
  const auto calls = step.value("calls", int64_t{20});
  if (calls < 1) throw Error(ErrorKind::Usage, "'calls' must be at least 1");
  for_each_case(step, state, [&](const Case& one) {
    TimedRun run(one, step, state);
    for (int64_t i = 0; i < kWarmUpCalls; ++i) run.caller().run();
    run.look();
    const int64_t before = state.instructions->read();
    tsharness_counted_calls(run.caller(), calls);
    const int64_t counted = state.instructions->read() - before;
    run.finish();
    Json event = run.to_json();
    const bool known = state.instructions->problem().empty();
    event.update({{"step", "instructions"},
                  {"calls", calls},
                  {"instructions", known ? Json(counted) : Json()},
                  {"problem", state.instructions->problem()}});
    state.events.emit("result", event);
  });
}

}  // namespace tsharness
