#pragma once

#include <optional>

#include "runner/cage.h"

namespace tsharness {

/// All of a runner but the kinds of artifact that it has besides the core's own: what `main` does
/// after it has added them. Ends the process.
[[noreturn]] void run_application(int argc, char** argv);

/// The same, but it returns the exit code, and what is wrong with the arguments or the job leaves
/// as Error(Usage): for a process that is somebody else's, and that may have entered the cage
/// already.
int application(int argc, char** argv, const std::optional<Cage>& entered = std::nullopt);

}  // namespace tsharness
