#include "core/measure.h"

#include <gtest/gtest.h>

namespace tsharness {
namespace {

/// Time passes only when a call is made.
struct FakeClock {
  double time = 0;
  int calls = 0;
  Samples measure_with(double seconds_per_call, const MeasureOptions& options) {
    return measure(
        [&] {
          time += seconds_per_call;
          ++calls;
        },
        options, [&] { return time; });
  }
};

TEST(Measure, StopsWhenBothBoundsAreMet) {
  FakeClock clock;
  const Samples samples = clock.measure_with(0.25, {2, 1.0, 3, 2.0});
  EXPECT_EQ(samples.warmup.size(), 4u);  // 1 s at 0.25 s a call
  EXPECT_EQ(samples.timed.size(), 8u);   // 2 s
}

TEST(Measure, MakesAtLeastTheStatedCalls) {
  FakeClock clock;
  const Samples samples = clock.measure_with(10.0, {2, 1.0, 3, 2.0});
  EXPECT_EQ(samples.warmup.size(), 2u);
  EXPECT_EQ(samples.timed.size(), 3u);
}

TEST(Measure, KeepsEverySampleAsItWas) {
  FakeClock clock;
  const Samples samples = clock.measure_with(0.5, {1, 0.0, 4, 0.0});
  EXPECT_EQ(samples.timed, std::vector<double>({0.5, 0.5, 0.5, 0.5}));
  EXPECT_EQ(clock.calls, 5);
}

TEST(Measure, TheNumberOfSamplesIsBounded) {
  FakeClock clock;
  EXPECT_EQ(clock.measure_with(0.0, {0, 0.0, 10, 1.0, 100}).timed.size(), 100u);
}

TEST(Measure, TheRealClockMovesForward) {
  const double before = now_seconds();
  EXPECT_GE(now_seconds(), before);
}

}  // namespace
}  // namespace tsharness
