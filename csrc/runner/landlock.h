#pragma once

#include <string>
#include <vector>

#include "runner/cage.h"

namespace tsharness {

/// Limits the files that the process can reach
/// (https://docs.kernel.org/userspace-api/landlock.html). Returns the version of the kernel's
/// interface, 0 if it has none or refuses.
int enter_landlock(const CageRules& rules);

}  // namespace tsharness
