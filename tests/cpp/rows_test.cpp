#include "core/rows.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace tsharness {
namespace {

BoundCall call(const at::Tensor& x, const at::Tensor& other) {
  return {"forward", {x}, {{"other", other}}};
}

TEST(Rows, ChoosesThemInEveryTensorThatHasThem) {
  const at::Tensor x = at::arange(6, at::kFloat).view({3, 2});
  const Rows rows(call(x, at::arange(3)));
  EXPECT_EQ(rows.count(), 3);
  const BoundCall chosen = rows.select({2, 0});
  EXPECT_TRUE(chosen.args[0].toTensor().equal(at::tensor({4.0F, 5.0F, 0.0F, 1.0F}).view({2, 2})));
  EXPECT_TRUE(chosen.kwargs.at("other").toTensor().equal(at::tensor({2, 0}, at::kLong)));
}

TEST(Rows, LeavesTensorsOfAnotherSizeAlone) {
  const at::Tensor table = at::ones({5, 5});
  const Rows rows(call(at::ones({3, 2}), table));
  EXPECT_TRUE(rows.padded(1).kwargs.at("other").toTensor().equal(table));
  EXPECT_EQ(rows.padded(1).args[0].toTensor().size(0), 4);
}

TEST(Rows, AreWhereTheyAreSaidToBe) {
  const at::Tensor state = at::arange(12).view({2, 3, 2});
  const Rows rows(call(at::ones({3, 2}), state), {{"x", 0}, {"other", 1}}, {"x"});
  EXPECT_EQ(rows.select({2}).kwargs.at("other").toTensor().sizes(), (at::IntArrayRef{2, 1, 2}));
  EXPECT_EQ(rows.padded(1).kwargs.at("other").toTensor().sizes(), (at::IntArrayRef{2, 4, 2}));
  EXPECT_THROW(Rows(call(at::ones({3, 2}), state), {{"x", 0}, {"other", 0}}, {"x"}), Error);
}

TEST(Rows, KnowsWhetherTheyDiffer) {
  EXPECT_FALSE(Rows(call(at::zeros({3, 2}), at::zeros({3}))).differ());
  EXPECT_TRUE(Rows(call(at::arange(6).view({3, 2}), at::zeros({3}))).differ());
}

TEST(Rows, OneIsMirrored) {
  const BoundCall three =
      Rows(call(at::tensor({1, 2}, at::kLong).view({1, 2}), at::zeros({}))).mirrored();
  EXPECT_TRUE(
      three.args[0].toTensor().equal(at::tensor({1, 2, 2, 1, 1, 2}, at::kLong).view({3, 2})));
}

}  // namespace
}  // namespace tsharness
