#include "core/clock.h"
#include "core/process_info.h"
#include "core/threads.h"
#include "runner/steps.h"

namespace tsharness {

namespace {

void one_case(const PreparedCase& one, Session& session) {
  if (one.calls() > 1) session.restore();
  for (size_t call = 0; call < one.calls(); ++call) session.run(one.inputs(call));
  session.synchronize();
}

/// As `one_case`, in a thread that begins and ends with it, as some servers have one a request.
void in_fresh_thread(const PreparedCase& one, Session& session) {
  in_threads(1, [&](size_t) { one_case(one, session); });
}

}  // namespace

void soak_step(const Json& step, JobState& state) {
  const double seconds = step.value("seconds", 1.0);
  const int min_rounds = step.value("min_rounds", 20);
  const int max_rounds = step.value("max_rounds", 1000);
  const bool fresh_threads = step.value("fresh_threads", false);
  state.events.emit("step-begin", {{"step", "soak"}});
  const auto cases = prepare_cases(step, state);
  Session& session = state.loaded();
  session.restore();
  std::vector<int64_t> heap;
  std::vector<int64_t> resident;
  // What is kept here must not look like something that the model keeps.
  heap.reserve(static_cast<size_t>(max_rounds));
  resident.reserve(static_cast<size_t>(max_rounds));
  int64_t calls = 0;
  for (const PreparedCase& one : cases) calls += static_cast<int64_t>(one.calls());
  const double end = now_seconds() + seconds;
  int rounds = 0;
  for (; rounds < max_rounds && (rounds < min_rounds || now_seconds() < end); ++rounds) {
    for (const PreparedCase& one : cases) {
      fresh_threads ? in_fresh_thread(one, session) : one_case(one, session);
    }
    heap.push_back(heap_bytes());
    resident.push_back(resident_bytes());
  }
  state.events.emit("result", {{"step", "soak"},
                               {"calls", rounds * calls},
                               {"calls_per_round", calls},
                               {"heap_bytes", heap},
                               {"resident_bytes", resident}});
}

}  // namespace tsharness
