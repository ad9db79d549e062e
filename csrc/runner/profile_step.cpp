#include "core/ceilings.h"
#include "core/operator_profile.h"
#include "runner/timed_run.h"

namespace tsharness {

void profile_step(const Json& step, JobState& state) {
  const auto rounds = step.value("calls", int64_t{10});
  const auto trace = step.value("trace", std::string());
  if (rounds < 1) throw Error(ErrorKind::Usage, "'calls' must be at least 1");
  for_each_case(step, state, [&](const Case& one) {
    TimedRun run(one, step, state);
    const double seconds = run.warm_up().seconds_per_call();
    const bool on_accelerator = !state.loaded().device().is_cpu();
    Json operators = Json::array();
    for (const OperatorTotal& total :
         profile_operators([&] { run.caller().run(); }, rounds, on_accelerator, trace)) {
      operators.push_back(to_json(total));
    }
    const Ceilings ceilings = measure_ceilings(state.loaded().device());
    Json event = run.to_json();
    event.update({{"step", "profile"},
                  {"rounds", rounds},
                  {"seconds_per_call", seconds},
                  {"operators", operators},
                  {"bytes_per_second", ceilings.bytes_per_second},
                  {"flops_per_second", ceilings.flops_per_second}});
    state.events.emit("result", event);
  });
}

}  // namespace tsharness
