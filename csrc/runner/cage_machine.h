#pragma once

#include "core/json.h"
#include "runner/cage.h"

namespace tsharness {

/// What every process needs that runs models: what LibTorch and libc read of the machine, the
/// folders of the libraries that it has; with `gpu`, the devices and what their driver needs.
CageRules machine_rules(bool gpu);

/// These, and what {"gpu", "read", "write", "execute", "file_bytes", "cpu_seconds"} says besides:
/// of processes that have no job. Raises Json::exception.
CageRules parse_cage_rules(const Json& json);

}  // namespace tsharness
