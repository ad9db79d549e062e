#pragma once

#include <cstdint>
#include <string>

namespace tsharness {

/// Instructions that this process executes in user mode, threads that it starts later included:
/// counted by the processor, so that what else the machine does does not matter (perf_event_open).
class InstructionCounter {
 public:
  /// Begins to count; `problem` says if the system does not let it.
  InstructionCounter();
  ~InstructionCounter();
  InstructionCounter(const InstructionCounter&) = delete;
  InstructionCounter& operator=(const InstructionCounter&) = delete;

  /// So far; -1 if there is a problem.
  int64_t read() const;
  /// In words; empty if there is none.
  const std::string& problem() const { return problem_; }

 private:
  int descriptor_ = -1;
  std::string problem_;
};

}  // namespace tsharness
