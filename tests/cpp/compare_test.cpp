#include "core/compare.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>

namespace tsharness {
namespace {

std::vector<OutputComparison> compare(const c10::IValue& actual, const c10::IValue& expected) {
  return compare_values(actual, expected, TolerancePolicy(Json(), c10::DeviceType::CPU));
}

TEST(Compare, ComparingNothingIsNoPass) { EXPECT_FALSE(all_passed({})); }

TEST(Compare, EqualTensorsPass) {
  const at::Tensor x = at::randn({100});
  EXPECT_TRUE(all_passed(compare(x, x.clone())));
}

TEST(Compare, TheWorstElementIsNamed) {
  const at::Tensor expected = at::zeros({3, 4});
  const at::Tensor actual = expected.clone();
  actual.select(0, 2).select(0, 1).fill_(0.5);
  const auto results = compare(actual, expected);
  ASSERT_EQ(results.size(), 1u);
  EXPECT_FALSE(results[0].passed);
  EXPECT_EQ(results[0].difference->worst->index, (std::vector<int64_t>{2, 1}));
  EXPECT_EQ(results[0].difference->min_atol, 0.5);
}

TEST(Compare, NanOnOneSideOnlyNeverPasses) {
  const at::Tensor nan = at::full({2}, NAN);
  EXPECT_TRUE(all_passed(compare(nan, nan.clone())));
  EXPECT_FALSE(all_passed(compare(nan, at::zeros({2}))));
}

TEST(Compare, StructureComesFirst) {
  EXPECT_EQ(compare(at::ones({2}), at::ones({3}))[0].aspect, "shape");
  EXPECT_EQ(compare(at::ones({2}), at::ones({2}, at::kDouble))[0].aspect, "dtype");
  EXPECT_EQ(compare(c10::IValue(1), c10::IValue(1.0))[0].aspect, "type");
}

TEST(Compare, ThreadsDoNotChangeABit) {
  const at::Tensor expected = at::randn({300'001});
  const at::Tensor actual = expected + 1e-4 * at::randn({300'001});
  std::vector<std::string> texts;
  const int before = at::get_num_threads();
  for (const int threads : {1, 2, 5}) {
    at::set_num_threads(threads);
    texts.push_back(to_json(compare(actual, expected)[0]).dump());
  }
  at::set_num_threads(before);
  EXPECT_EQ(texts[0], texts[1]);
  EXPECT_EQ(texts[0], texts[2]);
}

bool decisive(const c10::IValue& actual, const c10::IValue& expected, const Json& rules = {}) {
  const TolerancePolicy policy(rules, c10::DeviceType::CPU);
  return compare_values(actual, expected, policy).at(0).decisive;
}

TEST(Decisive, IsWhatCouldHaveFailed) {
  const at::Tensor tiny = at::ones({4}) * 1e-12;
  EXPECT_FALSE(decisive(-2 * tiny, tiny));
  EXPECT_TRUE(decisive(tiny.clone(), tiny));
  EXPECT_TRUE(decisive(tiny + 1e-20, tiny, Json{{"atol", 0}}));
  EXPECT_TRUE(decisive(at::ones({4}) + 1e-7, at::ones({4})));
  EXPECT_FALSE(decisive(at::ones({4}) + 1e-7, at::ones({4}), Json{{"atol", 2}}));
  EXPECT_FALSE(decisive(at::ones({4}) + 1e-7, at::ones({4}),
                        Json{{"accept", Json::array({{"max_abs", "<=", 2}})}}));
  EXPECT_TRUE(decisive(at::ones({4}) + 1e-7, at::ones({4}),
                       Json{{"accept", Json::array({{"psnr", ">=", 40}})}}));
}

TEST(Decisive, NothingIsNot) {
  EXPECT_FALSE(decisive(at::ones({0}), at::ones({0})));
  EXPECT_FALSE(decisive(c10::IValue(), c10::IValue()));
  EXPECT_FALSE(decisive(c10::impl::GenericList(c10::TensorType::get()),
                        c10::impl::GenericList(c10::TensorType::get())));
  EXPECT_TRUE(decisive(int64_t{3}, int64_t{3}));
  EXPECT_TRUE(decisive(std::string("a"), std::string("a")));
}

}  // namespace
}  // namespace tsharness
