#include "core/clock.h"

#include <sys/prctl.h>
#include <time.h>

#include <cerrno>
#include <cmath>

namespace tsharness {

double now_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

void sleep_until(double seconds) {
  const double whole = std::floor(seconds);
  const timespec end{static_cast<time_t>(whole), static_cast<long>((seconds - whole) * 1e9)};
  while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, nullptr) == EINTR) {
  }
}

void wake_on_time() { ::prctl(PR_SET_TIMERSLACK, 1UL); }

}  // namespace tsharness
