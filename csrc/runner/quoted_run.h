#pragma once

#include <functional>

namespace tsharness {

/// Runs `body` in a process of its own, and returns its exit code; 6 if it died. What is written to
/// standard output and error there, by a model as by anything else, comes out behind a mark, line
/// by line, so that nobody takes it for a verdict or a command. `body` gets the descriptor of what
/// is printed as it stands. Nothing may have started a thread before.
int run_quoted(const std::function<int(int)>& body);

}  // namespace tsharness
