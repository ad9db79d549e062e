#include <atomic>
#include <mutex>

#include "core/process_info.h"
#include "core/settings.h"
#include "core/threads.h"
#include "runner/steps.h"

namespace tsharness {

namespace {

/// The same cases from several threads at once, each thread beginning with another one.
class Crowd {
 public:
  Crowd(const std::vector<PreparedCase>& cases, int rounds) : cases_(cases), rounds_(rounds) {}

  /// `session_of(i)` is the session that thread i calls.
  void run(int threads, const std::function<Session&(int)>& session_of) {
    in_threads(static_cast<size_t>(threads), [&](size_t i) {
      const int number = static_cast<int>(i);
      one_thread(number, session_of(number));
    });
  }

  int64_t calls() const { return calls_; }
  const Json& problems() const { return problems_; }

 private:
  void one_thread(int thread, Session& session) {
    for (int round = 0; round < rounds_; ++round) {
      for (size_t i = 0; i < cases_.size(); ++i) {
        const PreparedCase& one = cases_[(i + static_cast<size_t>(thread)) % cases_.size()];
        try {
          one_case(one, session);
        } catch (...) {
          note(one.name(), current_error(ErrorKind::Execution).what());
        }
      }
    }
  }

  void one_case(const PreparedCase& one, Session& session) {
    if (one.calls() > 1) session.restore();
    for (size_t call = 0; call < one.calls(); ++call) {
      const c10::IValue actual = session.run(one.inputs(call));
      ++calls_;
      for (const OutputComparison& comparison : one.compare(call, actual)) {
        if (!comparison.passed) note(one.name(), comparison.name + " " + comparison.reason);
      }
    }
  }

  /// The first of each case is enough: a race makes thousands.
  void note(const std::string& case_name, const std::string& what) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!problems_.contains(case_name)) problems_[case_name] = {{"first", what}, {"count", 0}};
    problems_[case_name]["count"] = problems_[case_name]["count"].get<int>() + 1;
  }

  const std::vector<PreparedCase>& cases_;
  const int rounds_;
  std::atomic<int64_t> calls_{0};
  std::mutex mutex_;
  Json problems_ = Json::object();
};

}  // namespace

void threads_step(const Json& step, JobState& state) {
  const int threads = step.value("threads", 4);
  const bool shared = step.value("shared", true);
  if (threads < 1) throw Error(ErrorKind::Usage, "'threads' must be at least 1");
  const Settings settings(step.value("settings", Json()));
  state.events.emit("step-begin", {{"step", "threads"}});
  const auto cases = prepare_cases(step, state);
  state.loaded().restore();
  std::vector<Session> clones;
  for (int i = 0; i < threads && !shared; ++i) clones.push_back(state.loaded().clone());
  Crowd crowd(cases, step.value("rounds", 2));
  crowd.run(threads, [&](int i) -> Session& {
    return shared ? state.loaded() : clones.at(static_cast<size_t>(i));
  });
  state.events.emit("result", {{"step", "threads"},
                               {"passed", crowd.problems().empty()},
                               {"shared", shared},
                               {"threads", threads},
                               {"calls", crowd.calls()},
                               {"problems", crowd.problems()}});
}

}  // namespace tsharness
