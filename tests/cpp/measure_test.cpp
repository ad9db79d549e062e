#include "core/measure.h"

#include <gtest/gtest.h>

namespace tsharness {
namespace {

/// Time passes only when a call is made.
struct FakeClock {
  double time = 0;
  int64_t calls = 0;
  std::vector<double> seen;

  Measured measure_with(double seconds_per_call, const MeasureOptions& options) {
    const Measurement measurement(options, [this] { return time; });
    return measurement.run(
        [&] {
          time += seconds_per_call;
          ++calls;
        },
        [this](const std::vector<double>& block) {
          seen.insert(seen.end(), block.begin(), block.end());
        });
  }
};

MeasureOptions at_least(int64_t calls, double seconds) {
  MeasureOptions options;
  options.min_calls = calls;
  options.min_seconds = seconds;
  return options;
}

TEST(Measure, StopsWhenBothBoundsAreMet) {
  FakeClock clock;
  EXPECT_EQ(clock.measure_with(0.25, at_least(3, 2.0)).calls(), 8);
  EXPECT_EQ(clock.seen.size(), 8u);
}

TEST(Measure, MakesAtLeastTheStatedCalls) {
  FakeClock clock;
  EXPECT_EQ(clock.measure_with(10.0, at_least(3, 2.0)).calls(), 3);
}

TEST(Measure, KeepsEverySampleAsItWas) {
  FakeClock clock;
  const Measured measured = clock.measure_with(0.5, at_least(4, 0.1));
  EXPECT_EQ(clock.seen, std::vector<double>({0.5, 0.5, 0.5, 0.5}));
  EXPECT_EQ(clock.calls, measured.warmup.calls() + 4);
}

TEST(Measure, BlocksAreAsLongAsWasAskedFor) {
  FakeClock clock;
  MeasureOptions options = at_least(1, 1.0);
  options.block_seconds = 0.1;
  const Measured measured = clock.measure_with(1.0 / 1024, options);
  for (const TimedBlock& block : measured.blocks) {
    EXPECT_EQ(block.calls.calls, 102);
    EXPECT_DOUBLE_EQ(block.median, 1.0 / 1024);
  }
  EXPECT_TRUE(measured.steady);
}

TEST(Measure, OneBlockBoundsTheMemory) {
  FakeClock clock;
  const Measured measured = clock.measure_with(1e-9, at_least(100'000, 0));
  EXPECT_EQ(measured.blocks.front().calls.calls, 1 << 15);
}

TEST(Measure, TheRealClockMovesForward) {
  const double before = now_seconds();
  EXPECT_GE(now_seconds(), before);
  sleep_until(before + 0.01);
  EXPECT_GE(now_seconds(), before + 0.01);
}

}  // namespace
}  // namespace tsharness
