#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/instruction_counter.h"
#include "core/prepared_case.h"
#include "core/session.h"
#include "runner/events.h"
#include "runner/job.h"

namespace tsharness {

/// What the steps of one job share.
struct JobState {
  const Job& job;
  EventSink& events;
  std::unique_ptr<Session> session;      ///< made by the step "load"
  std::unique_ptr<CaseFile> cases = {};  ///< read when first needed
  /// Of a job that has the step "instructions": the cage lets nobody open it later.
  std::unique_ptr<InstructionCounter> instructions = {};

  /// Raises Error(Usage) if no step has loaded the artifact.
  Session& loaded() const;
  /// Raises Error(Usage) if there are no cases.
  const CaseFile& case_file();
};

using Step = std::function<void(const Json& step, JobState& state)>;

/// Every step by its name.
const std::map<std::string, Step>& all_steps();

void ab_step(const Json& step, JobState& state);
void load_step(const Json& step, JobState& state);
void describe_step(const Json& step, JobState& state);
void run_step(const Json& step, JobState& state);
void bench_step(const Json& step, JobState& state);
void threads_step(const Json& step, JobState& state);
void soak_step(const Json& step, JobState& state);
void turns_step(const Json& step, JobState& state);
void batch_step(const Json& step, JobState& state);
void resize_step(const Json& step, JobState& state);
void probe_step(const Json& step, JobState& state);
void tap_step(const Json& step, JobState& state);
void extract_step(const Json& step, JobState& state);
void server_step(const Json& step, JobState& state);
void throughput_step(const Json& step, JobState& state);
void paced_step(const Json& step, JobState& state);
void split_step(const Json& step, JobState& state);
void profile_step(const Json& step, JobState& state);
void instructions_step(const Json& step, JobState& state);
void integrity_step(const Json& step, JobState& state);

/// The cases that a step names (all, if it names none). Raises Error(Usage) if that is none.
std::vector<std::string> case_names(const Json& step, JobState& state);

/// A case with what the step says of its tolerance ("tolerance", "float64_outputs").
PreparedCase prepare_case(const Case& one, const Json& step, JobState& state);

/// The cases that a step names (all, if it names none).
std::vector<PreparedCase> prepare_cases(const Json& step, JobState& state);

/// Runs `body` for each case that the step names (all, if it names none), between "step-begin" and
/// what it emits. An error ends the case and leaves the others to run. Behind "stop_after" seconds
/// of the step, no case but the first begins, and none when `enough` says so.
void for_each_case(
    const Json& step, JobState& state, const std::function<void(const Case&)>& body,
    const std::function<bool()>& enough = [] { return false; });

}  // namespace tsharness
