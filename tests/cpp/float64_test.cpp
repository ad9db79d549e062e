#include "core/float64.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace tsharness {
namespace {

bool judged(const at::Tensor& actual, const at::Tensor& expected, const at::Tensor& exact) {
  const TolerancePolicy policy(Json{{"exact", true}}, c10::DeviceType::CPU);
  auto compared = compare_values(actual, expected, policy);
  judge_by_float64(actual, expected, exact, compared);
  return all_passed(compared);
}

TEST(Float64, RoundingPassesAndOtherValuesDoNot) {
  const at::Tensor exact = at::linspace(1, 2, 100, at::kDouble);
  const at::Tensor rounded = exact.to(at::kFloat);
  const at::Tensor otherwise = (exact * (1 + 1e-7)).to(at::kFloat);
  EXPECT_TRUE(judged(otherwise, rounded, exact));
  EXPECT_FALSE(judged(rounded + 1e-3, rounded, exact));  // the target is wrong
  EXPECT_FALSE(judged(rounded, rounded + 1e-3, exact));  // the reference is another
}

TEST(Float64, StructureAndNanStayAsTheyWere) {
  const at::Tensor x = at::ones({3});
  EXPECT_FALSE(judged(x.view({1, 3}), x, x.to(at::kDouble)));
  EXPECT_FALSE(judged(x / 0 - x / 0, x, x.to(at::kDouble)));
  EXPECT_FALSE(judged(x.to(at::kLong) + 1, x.to(at::kLong), x.to(at::kDouble)));
}

}  // namespace
}  // namespace tsharness
