#include "core/profile.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace tsharness {
namespace {

TEST(Profile, SaysWhereAndAmongWhichValues) {
  const at::Tensor expected = at::full({3, 4}, 20.0);
  at::Tensor actual = expected.clone();
  actual.select(1, 2).add_(0.5);
  actual[0][0] = 20.03;
  const DifferenceProfile found = profile_difference(actual, expected, {0, 0.1});
  EXPECT_EQ(found.dims[0].touched, 3);
  EXPECT_EQ(found.dims[1].touched, 1);
  EXPECT_EQ(found.dims[1].first, 2);
  EXPECT_EQ(found.dims[1].last, 2);
  EXPECT_EQ(found.errors, (std::map<int, int64_t>{{-2, 1}, {-1, 3}}));
  EXPECT_EQ(found.equal, 8);
  EXPECT_EQ(found.magnitudes.at(1).count, 12);
  EXPECT_EQ(found.magnitudes.at(1).mismatched, 3);
  EXPECT_DOUBLE_EQ(found.magnitudes.at(1).max_abs, 0.5);
  EXPECT_DOUBLE_EQ(found.expected.mean, 20);
  EXPECT_DOUBLE_EQ(found.expected.std, 0);
  EXPECT_DOUBLE_EQ(found.actual.max, 20.5);
}

TEST(Profile, CountsWhatIsNotFinite) {
  const at::Tensor expected = at::tensor({1.0, NAN, 0.0});
  const DifferenceProfile found =
      profile_difference(at::tensor({double(INFINITY), double(NAN), 0.0}), expected, {});
  EXPECT_EQ(found.actual.nonfinite, 2);
  EXPECT_EQ(found.expected.nonfinite, 1);
  EXPECT_EQ(found.dims[0].touched, 1);
  EXPECT_EQ(found.zeros, 1);
  EXPECT_TRUE(found.errors.empty());
}

}  // namespace
}  // namespace tsharness
