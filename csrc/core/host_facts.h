#pragma once

#include "core/json.h"

namespace tsharness {

/// What machine this process runs on: "name", "system" (kernel and architecture), "cpu", "cores"
/// (online), "memory_bytes", "c_library"; empty or 0 where the system does not say.
Json host_facts();

}  // namespace tsharness
