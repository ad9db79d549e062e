#include "core/clock.h"
#include "core/process_info.h"
#include "core/threads.h"
#include "runner/steps.h"

namespace tsharness {

namespace {

constexpr double kQuiet = 0.25;  // seconds without a word of where it is

void one_case(const PreparedCase& one, Session& session) {
  if (one.calls() > 1) session.restore();
  for (size_t call = 0; call < one.calls(); ++call) session.run(one.inputs(call));
  session.synchronize();
}

/// As `one_case`, in a thread that begins and ends with it, as some servers have one a request.
void in_fresh_thread(const PreparedCase& one, Session& session) {
  in_threads(1, [&](size_t) { one_case(one, session); });
}

/// Cases that every round calls in one manner, and by how much the heap grew meanwhile.
struct Part {
  Part(const Json& part, JobState& state, size_t most_rounds)
      : name(part.value("name", std::string())),
        cases(prepare_cases(part, state)),
        fresh_threads(part.value("fresh_threads", false)) {
    grown.reserve(most_rounds);
    for (const PreparedCase& one : cases) calls += static_cast<int64_t>(one.calls());
  }

  void run(Session& session) {
    const int64_t before = heap_bytes();
    for (const PreparedCase& one : cases) {
      fresh_threads ? in_fresh_thread(one, session) : one_case(one, session);
    }
    grown.push_back(heap_bytes() - before);
  }

  std::string name;
  std::vector<PreparedCase> cases;
  bool fresh_threads;
  int64_t calls = 0;
  std::vector<int64_t> grown;
};

std::vector<Part> parts_of(const Json& step, JobState& state, size_t most_rounds) {
  std::vector<Part> parts;
  if (!step.contains("parts")) {
    parts.emplace_back(step, state, most_rounds);
    return parts;
  }
  for (const Json& part : step.at("parts")) parts.emplace_back(part, state, most_rounds);
  return parts;
}

Json to_json(const std::vector<Part>& parts) {
  Json found = Json::array();
  for (const Part& one : parts) {
    found.push_back({{"name", one.name}, {"calls", one.calls}, {"grown_bytes", one.grown}});
  }
  return found;
}

}  // namespace

void soak_step(const Json& step, JobState& state) {
  const double seconds = step.value("seconds", 1.0);
  const int min_rounds = step.value("min_rounds", 20);
  const int max_rounds = step.value("max_rounds", 1000);
  state.events.emit("step-begin", {{"step", "soak"}});
  // What is kept here must not look like something that the model keeps: all of it is there before.
  std::vector<Part> parts = parts_of(step, state, static_cast<size_t>(max_rounds));
  Session& session = state.loaded();
  session.restore();
  std::vector<int64_t> heap;
  std::vector<int64_t> resident;
  heap.reserve(static_cast<size_t>(max_rounds));
  resident.reserve(static_cast<size_t>(max_rounds));
  int64_t calls = 0;
  for (const Part& one : parts) calls += one.calls;
  double said = now_seconds();
  const double end = said + seconds;
  int rounds = 0;
  for (; rounds < max_rounds && (rounds < min_rounds || now_seconds() < end); ++rounds) {
    for (Part& one : parts) one.run(session);
    heap.push_back(heap_bytes());
    resident.push_back(resident_bytes());
    if (now_seconds() - said < kQuiet) continue;
    said = now_seconds();
    state.events.emit("progress", {{"step", "soak"}, {"calls", (rounds + 1) * calls}});
  }
  state.events.emit("result", {{"step", "soak"},
                               {"calls", rounds * calls},
                               {"calls_per_round", calls},
                               {"parts", to_json(parts)},
                               {"heap_bytes", heap},
                               {"resident_bytes", resident}});
}

}  // namespace tsharness
