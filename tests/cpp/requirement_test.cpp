#include "core/requirement.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace tsharness {
namespace {

TensorDifference difference() {
  const at::Tensor expected = at::tensor({3.0, 4.0, 0.0, 0.0});
  return compare_tensors(expected + at::tensor({0.3, -0.4, 0.0, 0.0}), expected, {0, 0.35});
}

double seen(const char* name) {
  return requirements_of(Json{{name, "<=", 1.0}}, difference()).at(0).seen;
}

TEST(Requirement, FiguresByHand) {
  EXPECT_NEAR(seen("l2"), 0.5, 1e-12);
  EXPECT_NEAR(seen("relative_l2"), 0.1, 1e-12);
  EXPECT_NEAR(seen("snr"), 20, 1e-9);                             // 25 / 0.25
  EXPECT_NEAR(seen("psnr"), 10 * std::log10(16 / 0.0625), 1e-9);  // mean squared error 0.25 / 4
  EXPECT_NEAR(seen("mismatched"), 0.25, 1e-12);
  EXPECT_NEAR(seen("mean_abs"), 0.175, 1e-12);
}

TEST(Requirement, NoErrorIsInfinitelyGood) {
  const at::Tensor x = at::ones({4});
  const auto found = requirements_of(Json{{"psnr", ">=", 1e9}, {"l2", "<=", 0.0}},
                                     compare_tensors(x, x.clone(), {}));
  EXPECT_EQ(unmet_reason(found), "");
}

TEST(Requirement, WhatIsNotMetIsNamed) {
  const auto found = requirements_of(Json{{"psnr", ">=", 100.0}, {"l2", "<=", 1.0}}, difference());
  EXPECT_NE(unmet_reason(found).find("psnr"), std::string::npos);
  EXPECT_EQ(unmet_reason(found).find("l2"), std::string::npos);
  EXPECT_THROW(requirements_of(Json{{"beauty", ">=", 1.0}}, difference()), Error);
}

}  // namespace
}  // namespace tsharness
