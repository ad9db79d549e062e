#include "runner/application.h"

#include <ATen/Parallel.h>
#include <sys/prctl.h>
#include <torch/version.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <optional>

#include "core/printable.h"
#include "core/process_info.h"
#include "runner/cage_rules.h"
#include "runner/command_line.h"
#include "runner/hello.h"
#include "runner/operators.h"
#include "runner/quoted_run.h"
#include "runner/steps.h"

namespace tsharness {
namespace {

/// A LibTorch of another minor version has other layouts behind the same symbols: it would crash.
/// Returns the version that is loaded: in the cage, nobody can read it any more.
std::string checked_torch() {
  const std::string loaded = loaded_torch_version(mapped_libraries());
  const std::string built =
      std::to_string(TORCH_VERSION_MAJOR) + "." + std::to_string(TORCH_VERSION_MINOR) + ".";
  if (loaded.empty()) return TORCH_VERSION;
  if (loaded.rfind(built, 0) == 0) return loaded;
  throw Error(ErrorKind::Device,
              "this runner was built against torch " TORCH_VERSION ", but torch " + loaded +
                  " is installed now; reinstall tsharness "
                  "(pip install --force-reinstall --no-deps .) to build it anew");
}

/// Events own the real standard output; what the model prints goes to standard error instead.
int claim_events_fd(int fd) {
  if (fd != STDOUT_FILENO) return fd;
  const int events = ::dup(STDOUT_FILENO);
  ::dup2(STDERR_FILENO, STDOUT_FILENO);
  return events;
}

/// GNU's OpenMP reads its variables before `main`, and with these it gives every thread a processor
/// by the thread's number, which the cage takes for a stranger's: no thread would start.
void start_without_pinning(char** argv) {
  bool found = false;
  for (const char* name : {"OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY"}) {
    found = std::getenv(name) != nullptr || found;
    ::unsetenv(name);
  }
  if (found) ::execv("/proc/self/exe", argv);
}

std::unique_ptr<InstructionCounter> counter_for(const Job& job) {
  for (const Json& step : job.steps) {
    if (step.at("step") == "instructions") return std::make_unique<InstructionCounter>();
  }
  return nullptr;
}

void do_steps(JobState& state) {
  const Job& job = state.job;
  EventSink& events = state.events;
  for (const Json& step : job.steps) {
    const auto name = step.at("step").get<std::string>();
    const auto found = all_steps().find(name);
    events.set_step(step.value("id", std::string()));
    try {
      if (found == all_steps().end()) throw Error(ErrorKind::Usage, "unknown step '" + name + "'");
      found->second(step, state);
    } catch (...) {
      events.emit_error(current_error(ErrorKind::Execution), {{"step", name}});
      if (!step.contains("id")) return;  // the steps after it build on it
    }
  }
}

int run(const Job& job, EventSink& events, const std::string& libtorch,
        const std::optional<Cage>& entered) {
  JobState state{job, events, nullptr};
  state.instructions = counter_for(job);
  // First of all: threads that are started later are in it too.
  const Cage cage = entered ? *entered : cage_for(job);
  if (job.threads > 0) at::set_num_threads(job.threads);
  std::optional<Settings> settings;
  std::optional<Error> problem;
  try {
    settings.emplace(job.settings);
  } catch (const Error& error) {
    problem = error;  // who reads the events wants to know who speaks first
  }
  Json greeting = hello(libtorch);
  greeting["cage"] = cage.to_json();
  events.emit("hello", greeting);
  problem ? events.emit_error(*problem, {{"step", "start"}}) : do_steps(state);
  events.set_step("");
  events.emit("bye", Json::object());
  return events.exit_code();
}

}  // namespace

int application(int argc, char** argv, const std::optional<Cage>& entered) {
  const CommandLine command = parse_command_line(argc, argv);
  const bool nothing = !command.describe && !command.operators && !command.job && !command.bundle;
  if (command.help || nothing) {
    (command.help ? std::cout : std::cerr) << kUsage;
    return command.help ? 0 : 2;
  }
  const std::string libtorch = checked_torch();
  if (command.describe) {
    std::cout << hello(libtorch).dump(2) << "\n";
    return 0;
  }
  if (command.operators) {
    std::cout << operators().dump() << "\n";
    return 0;
  }
  if (command.bundle) return run_bundle(*command.bundle);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // nobody reads the events of an orphan
  if (command.text) {
    return run_quoted([&](int says) {
      TextSink events(says);
      return run(*command.job, events, libtorch, entered);
    });
  }
  JsonLinesSink events(claim_events_fd(command.events_fd), command.job->nonce);
  return run(*command.job, events, libtorch, entered);
}

void run_application(int argc, char** argv) {
  start_without_pinning(argv);
  try {
    const int code = application(argc, argv);
    // Everything has been said. Taking LibTorch apart again, and a module of gigabytes, piece by
    // piece, would take longer than many a model runs; the system does it at once.
    std::fflush(nullptr);
    std::cout.flush();
    std::_Exit(code);
  } catch (...) {
    const Error error = current_error(ErrorKind::Usage);
    std::cerr << "tsharness-runner: " << first_and_quoted(error.what()) << "\n";
    std::exit(error.kind() == ErrorKind::Device ? 8 : 2);
  }
}

}  // namespace tsharness
