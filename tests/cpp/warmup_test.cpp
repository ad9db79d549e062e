#include "core/warmup.h"

#include <gtest/gtest.h>

#include <random>

namespace tsharness {
namespace {

TEST(ChangePoint, SeesWhereATransientEnds) {
  ChangePoint change;
  for (const double seconds : {9.0, 5.0, 3.0}) change.add(seconds);
  for (int i = 0; i < 20; ++i) change.add(i % 2 == 0 ? 1.0 : 1.01);
  EXPECT_EQ(change.transient(), 3u);
  EXPECT_TRUE(change.steady());
}

TEST(ChangePoint, IsNotSteadyWhileTheTimeStillFalls) {
  ChangePoint change;
  for (int i = 0; i < 40; ++i) {
    change.add(100.0 - i);
    EXPECT_FALSE(change.steady());
  }
}

TEST(ChangePoint, BelievesNoChangeThatItHasNotSeenForLong) {
  ChangePoint change;
  for (int i = 0; i < 10; ++i) change.add(2.0 + 0.01 * (i % 2));
  for (int i = 0; i < 6; ++i) change.add(1.0 + 0.01 * (i % 2));
  EXPECT_EQ(change.transient(), 10u);
  EXPECT_FALSE(change.steady());
  for (int i = 0; i < 6; ++i) change.add(1.0 + 0.01 * (i % 2));
  EXPECT_TRUE(change.steady());
}

TEST(ChangePoint, NoiseAloneIsSteadyMostOfTheTime) {
  std::mt19937 random(0);
  std::lognormal_distribution<double> noise(0, 0.05);
  int steady = 0;
  for (int run = 0; run < 200; ++run) {
    ChangePoint change;
    for (int i = 0; i < 30; ++i) change.add(noise(random));
    steady += change.steady() ? 1 : 0;
  }
  EXPECT_GE(steady, 150);
}

/// Calls take what `seconds_of` says of their number.
template <class SecondsOf>
WarmUp warm_up_with(const SecondsOf& seconds_of, const WarmUpOptions& options = {}) {
  double time = 0;
  int64_t calls = 0;
  return warm_up([&] { time += seconds_of(calls++); }, options, {}, [&] { return time; });
}

TEST(WarmUp, TheFirstCallsStandAlone) {
  const WarmUp found = warm_up_with([](int64_t call) { return call == 0 ? 3.0 : 1e-5; });
  ASSERT_GE(found.blocks.size(), 3u);
  EXPECT_EQ(found.blocks[0].calls, 1);
  EXPECT_DOUBLE_EQ(found.blocks[0].seconds, 3.0);
  EXPECT_EQ(found.blocks[1].calls, 1);
  EXPECT_TRUE(found.steady);
  EXPECT_GE(found.transient, 1u);
  EXPECT_NEAR(found.seconds_per_call(), 1e-5, 1e-7);
}

TEST(WarmUp, GoesOnUntilTheTimeNoLongerChanges) {
  const auto falls = [](int64_t call) { return call < 100 ? 0.02 - 1e-4 * call : 0.01; };
  const WarmUp found = warm_up_with(falls);
  EXPECT_TRUE(found.steady);
  EXPECT_GE(found.calls(), 150);
  EXPECT_NEAR(found.seconds_per_call(), 0.01, 1e-6);
}

TEST(WarmUp, SaysThatItNeverBecameSteady) {
  WarmUpOptions options;
  options.max_seconds = 1;
  const WarmUp found =
      warm_up_with([](int64_t call) { return 0.05 / (1.0 + 0.1 * call); }, options);
  EXPECT_FALSE(found.steady);
  EXPECT_GE(found.seconds(), 1.0);
}

TEST(WarmUp, LooksBetweenBlocks) {
  double time = 0;
  int looks = 0;
  int64_t calls = 0;
  int64_t at_first_look = 0;
  warm_up(
      [&] {
        time += 0.1;
        ++calls;
      },
      {},
      [&] {
        if (looks++ == 0) at_first_look = calls;
      },
      [&] { return time; });
  EXPECT_GE(looks, 8);
  EXPECT_EQ(at_first_look, 1);
}

}  // namespace
}  // namespace tsharness
