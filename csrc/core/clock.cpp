#include "core/clock.h"

#include <sys/prctl.h>

#include <cerrno>
#include <cmath>

namespace tsharness {

void sleep_until(double seconds) {
  const double whole = std::floor(seconds);
  const timespec end{static_cast<time_t>(whole), static_cast<long>((seconds - whole) * 1e9)};
  while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, nullptr) == EINTR) {
  }
}

void wake_on_time() { ::prctl(PR_SET_TIMERSLACK, 1UL); }

}  // namespace tsharness
