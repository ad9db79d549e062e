#pragma once

#include <cstddef>
#include <functional>

namespace tsharness {

/// Runs `body(0)` to `body(count - 1)` at once, each in a thread that begins and ends with it, and
/// returns when all have ended. What one of them threw leaves then; of several, the first by
/// number.
void in_threads(size_t count, const std::function<void(size_t)>& body);

}  // namespace tsharness
