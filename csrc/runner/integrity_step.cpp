#include "core/integrity.h"
#include "runner/steps.h"

namespace tsharness {

void integrity_step(const Json&, JobState& state) {
  state.events.emit("step-begin", {{"step", "integrity"}});
  const std::string problem = damage_of(state.job.artifact, state.case_file());
  state.events.emit("result",
                    {{"step", "integrity"}, {"passed", problem.empty()}, {"problem", problem}});
}

}  // namespace tsharness
