#pragma once

#include <time.h>

namespace tsharness {

/// Seconds on a steady clock, from an arbitrary start.
inline double now_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// Sleeps until the clock shows `seconds`; returns at once if it does already.
void sleep_until(double seconds);

/// Lets sleeps of the calling thread end when they should, not up to 50 µs later, which Linux is
/// free to do so that wake-ups fall together.
void wake_on_time();

}  // namespace tsharness
