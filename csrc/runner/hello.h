#pragma once

#include "core/json.h"

namespace tsharness {

/// Facts about this process (docs/protocol.md, "hello"): LibTorch, build, devices, threads, CPU
/// capability, mapped libraries.
Json hello(const std::string& libtorch);

}  // namespace tsharness
