#include "core/observe.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <limits>

namespace tsharness {
namespace {

TEST(Fingerprint, IsOfTheValuesNotOfTheirPlace) {
  const at::Tensor x = at::arange(12, at::kFloat).view({3, 4});
  EXPECT_EQ(fingerprint(x), fingerprint(x.clone()));
  EXPECT_EQ(fingerprint(x.t()), fingerprint(x.t().contiguous()));
}

TEST(Fingerprint, OneBitShapeDtypeAndStructureCount) {
  const at::Tensor x = at::arange(12, at::kFloat);
  at::Tensor other = x.clone();
  other.view(at::kInt)[5] += 1;
  EXPECT_NE(fingerprint(x), fingerprint(other));
  EXPECT_NE(fingerprint(x), fingerprint(x.view({3, 4})));
  EXPECT_NE(fingerprint(x), fingerprint(x.to(at::kDouble)));
  EXPECT_NE(fingerprint(x), fingerprint(c10::ivalue::Tuple::create({x})));
  EXPECT_NE(fingerprint(at::zeros({1})), fingerprint(-at::zeros({1})));
}

TEST(Nonfinite, CountsBothKindsWhereTheyAre) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const at::Tensor bad = at::tensor({1.0F, kInfinity, -kInfinity, std::nanf("")});
  const auto found =
      find_nonfinite("output", c10::ivalue::Tuple::create({at::ones({2}), bad.to(at::kHalf)}));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].name, "output[1]");
  EXPECT_EQ(found[0].nan, 1);
  EXPECT_EQ(found[0].infinite, 2);
}

TEST(Nonfinite, LargeDoublesAreFinite) {
  EXPECT_TRUE(find_nonfinite("x", at::full({3}, 1e300, at::kDouble)).empty());
}

TEST(Aliases, ViewsShareAndCopiesDoNot) {
  const at::Tensor x = at::ones({4});
  const auto found = find_aliases("output", x.slice(0, 1), "x", x);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].name, "output");
  EXPECT_EQ(found[0].other, "x");
  EXPECT_TRUE(find_aliases("output", x.clone(), "x", x).empty());
}

TEST(LargestOrdinary, LeavesOutWhatWasWrittenThere) {
  const at::Tensor ordinary = at::tensor({0.5, -2.0, 1.0, 0.0});
  for (const double sentinel : {-1e9, 1e4, -3.4e38, 65504.0, 1e20, -32767.0}) {
    const at::Tensor masked = at::cat({ordinary, at::full({5}, sentinel, at::kDouble)});
    EXPECT_EQ(largest_ordinary(masked), 2) << sentinel;
    EXPECT_EQ(largest_ordinary(at::cat({masked, at::full({2}, 1e30, at::kDouble)})), 2);
  }
  EXPECT_EQ(largest_ordinary(at::tensor({-1e4 + 3.2, -1e4 - 1.5, 4.0})), 4);
}

TEST(LargestOrdinary, IsTheLargestOfWhatIsAlike) {
  EXPECT_EQ(largest_ordinary(at::tensor({1e9, 1e9})), 1e9);
  EXPECT_EQ(largest_ordinary(at::tensor({1e6, 2e5, 3.0})), 1e6);
  EXPECT_EQ(largest_ordinary(at::tensor({1e6, 1e6, 1e4})), 1e6);
  EXPECT_EQ(largest_ordinary(at::tensor({900.0, 1e-5})), 900);
  EXPECT_EQ(largest_ordinary(at::zeros({3})), 0);
  EXPECT_EQ(largest_ordinary(at::zeros({0})), 0);
}

}  // namespace
}  // namespace tsharness
