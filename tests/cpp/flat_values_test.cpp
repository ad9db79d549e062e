#include "core/flat_values.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "core/containers.h"
#include "core/error.h"

namespace tsharness {
namespace {

using c10::IValue;

IValue structure() {
  const IValue inner = make_list({IValue(torch::ones({2})), IValue(torch::zeros({3}))});
  const IValue dict =
      make_dict({IValue(std::string("a")), IValue(std::string("b"))}, {inner, IValue(int64_t{7})});
  return c10::ivalue::Tuple::create({IValue(torch::full({1}, 2.5)), IValue(), dict});
}

TEST(FlatValues, LeavesComeInOrderWithoutNone) {
  std::vector<IValue> leaves;
  add_leaves(structure(), leaves);
  ASSERT_EQ(leaves.size(), 4u);
  EXPECT_EQ(leaves[0].toTensor().item<double>(), 2.5);
  EXPECT_EQ(leaves[2].toTensor().numel(), 3);
  EXPECT_EQ(leaves[3].toInt(), 7);
}

TEST(FlatValues, LeavesGoBackIntoTheSameContainers) {
  const IValue like = structure();
  std::vector<IValue> leaves;
  add_leaves(like, leaves);
  const IValue again = arranged_like(like, leaves);
  const auto& elements = again.toTupleRef().elements();
  ASSERT_EQ(elements.size(), 3u);
  EXPECT_TRUE(elements[1].isNone());
  EXPECT_EQ(elements[2].toGenericDict().at("b").toInt(), 7);
  EXPECT_EQ(elements[2].toGenericDict().at("a").toList().size(), 2u);
}

TEST(FlatValues, ANumberMayComeAsATensorOfOneElement) {
  const IValue like = c10::ivalue::Tuple::create({IValue(int64_t{1}), IValue(true), IValue(0.5)});
  const IValue given = arranged_like(like, {IValue(torch::full({}, 3)), IValue(torch::full({1}, 0)),
                                            IValue(torch::full({}, 2.0))});
  EXPECT_EQ(given.toTupleRef().elements()[0].toInt(), 3);
  EXPECT_FALSE(given.toTupleRef().elements()[1].toBool());
  EXPECT_EQ(given.toTupleRef().elements()[2].toDouble(), 2.0);
}

TEST(FlatValues, MoreOrFewerLeavesAreAnError) {
  const IValue like = c10::ivalue::Tuple::create({IValue(torch::ones({1}))});
  EXPECT_THROW(arranged_like(like, {}), Error);
  EXPECT_THROW(arranged_like(like, {IValue(torch::ones({1})), IValue(torch::ones({1}))}), Error);
}

}  // namespace
}  // namespace tsharness
