#pragma once

#include <optional>
#include <string>

#include "runner/bundle.h"
#include "runner/job.h"

namespace tsharness {

/// What the runner was started for.
struct CommandLine {
  bool help = false;
  bool describe = false;   ///< print the hello object and end
  bool operators = false;  ///< print the operators that there are, and end
  bool text = false;       ///< events as lines for a person
  int events_fd = 1;
  std::optional<BundleRequest> bundle;
  std::optional<Job> job;  ///< from a file, standard input, or made of `--verify`'s options
};

/// How the runner is called.
extern const char kUsage[];

/// Raises Error(Usage).
CommandLine parse_command_line(int argc, char** argv);

}  // namespace tsharness
