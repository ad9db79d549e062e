#pragma once

#include "core/json.h"

namespace tsharness {

/// Every operator that this process has, as {"name", "overload", "arguments" (names, in order),
/// "required" (how many of them have no default)}: what an artifact may call here.
Json operators();

}  // namespace tsharness
