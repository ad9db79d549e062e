#include "core/tolerance.h"

#include <gtest/gtest.h>

namespace tsharness {
namespace {

constexpr auto kFloat = c10::ScalarType::Float;
constexpr auto kCpu = c10::DeviceType::CPU;

TEST(Tolerance, DefaultsFollowTheDtype) {
  EXPECT_EQ(default_tolerance(kFloat, kCpu).rtol, 1.3e-6);
  EXPECT_EQ(default_tolerance(c10::ScalarType::BFloat16, kCpu).rtol, 1.6e-2);
  EXPECT_EQ(default_tolerance(c10::ScalarType::Long, kCpu).atol, 0);
}

TEST(Tolerance, AnotherDeviceIsWider) {
  EXPECT_GT(default_tolerance(kFloat, c10::DeviceType::CUDA).rtol,
            default_tolerance(kFloat, kCpu).rtol);
}

TEST(Tolerance, LaterLayersAndOutputsWin) {
  const TolerancePolicy policy({Json{{"rtol", 0.1}, {"atol", 0.2}}, Json(nullptr),
                                Json{{"atol", 0.3}, {"outputs", {{"a", {{"atol", 0.4}}}}}}},
                               kCpu);
  EXPECT_EQ(policy.of("b", kFloat).rtol, 0.1);
  EXPECT_EQ(policy.of("b", kFloat).atol, 0.3);
  EXPECT_EQ(policy.of("a", kFloat).atol, 0.4);
}

TEST(Tolerance, ExactIsZero) {
  const TolerancePolicy policy({Json{{"atol", 1.0}}, Json{{"exact", true}}}, kCpu);
  EXPECT_TRUE(policy.of("a", kFloat).exact);
  EXPECT_EQ(policy.of("a", kFloat).atol, 0);
}

TEST(Tolerance, IntegersIgnoreWhatWasStated) {
  const TolerancePolicy policy({Json{{"atol", 10.0}}}, kCpu);
  EXPECT_TRUE(policy.of("a", c10::ScalarType::Int).exact);
  EXPECT_EQ(policy.of("a", c10::ScalarType::Bool).atol, 0);
}

}  // namespace
}  // namespace tsharness
