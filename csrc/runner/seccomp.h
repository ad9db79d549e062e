#pragma once

#include "runner/cage.h"

namespace tsharness {

/// Leaves the process, with all its threads, the system calls of `allowed_calls` alone: those that
/// are always needed, those of a GPU's driver and those that start programs as the rules say. False
/// if the kernel cannot, or the processor is not known here.
bool enter_seccomp(const CageRules& rules);

}  // namespace tsharness
