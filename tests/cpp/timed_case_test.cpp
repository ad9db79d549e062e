#include "core/timed_case.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/resize.h"

namespace tsharness {
namespace {

/// A module that was compiled here, saved, and loaded as a session.
Session session_of(const std::string& source, const std::string& name) {
  torch::jit::Module module("m");
  module.define(source);
  const std::string path = testing::TempDir() + name + ".pt";
  module.save(path);
  return Session(path, at::kCPU);
}

BoundCall call_with(std::vector<c10::IValue> args) { return {"forward", std::move(args), {}}; }

/// To one index of an argument's dim.
Json change(const char* argument, int dim) {
  return {{"dims", Json::array({Json::array({argument, dim})})}, {"size", 1}};
}

const char* const kRelu = "def forward(self, x):\n  return torch.relu(x)\n";
const char* const kSum = "def forward(self, x, y):\n  return x + y\n";

TEST(TimedCase, GivesWhatTheModuleGives) {
  const Session session = session_of(kRelu, "relu");
  TimedCase timed(session, {call_with({at::full({3}, -1.0)})});
  timed.run();
  ASSERT_EQ(timed.outputs().size(), 1u);
  EXPECT_TRUE(at::equal(timed.outputs()[0].toTensor(), at::zeros({3})));
  EXPECT_EQ(timed.input_bytes(), 12);
  EXPECT_EQ(timed.copies(), 1u);
}

TEST(TimedCase, RotatesAmongCopiesThatAreLargerThanTheCache) {
  const Session session = session_of(kRelu, "rotating");
  TimedCase timed(session, {call_with({at::ones({1 << 18})})}, InputsMode::Rotate);
  const auto all = static_cast<int64_t>(timed.copies()) * timed.input_bytes();
  EXPECT_GT(all, std::min<int64_t>(cache_bytes(at::kCPU), int64_t{1} << 29));
  for (size_t i = 0; i <= timed.copies(); ++i) timed.run();
  EXPECT_TRUE(at::equal(timed.outputs()[0].toTensor(), at::ones({1 << 18})));
}

TEST(TimedCase, ItsInputsAreItsOwn) {
  const Session session = session_of(kRelu, "own");
  const at::Tensor x = at::ones({2});
  TimedCase timed(session, {call_with({x})});
  x.fill_(-5);
  timed.run();
  EXPECT_TRUE(at::equal(timed.outputs()[0].toTensor(), at::ones({2})));
}

TEST(Resize, RowsAreRepeatedOrCutOff) {
  const Session session = session_of(kSum, "sum");
  const BoundCall call = call_with({at::arange(6, at::kFloat).view({2, 3}), at::ones({2, 3})});
  const BoundCall five = resized(call, {{"dims", "batch"}, {"size", 5}}, session);
  EXPECT_EQ(five.args[0].toTensor().size(0), 5);
  EXPECT_EQ(five.args[1].toTensor().size(0), 5);
  EXPECT_TRUE(at::equal(five.args[0].toTensor()[4], call.args[0].toTensor()[0]));
  const BoundCall narrow = resized(call, change("y", 1), session);
  EXPECT_EQ(narrow.args[1].toTensor().sizes(), at::IntArrayRef({2, 1}));
  EXPECT_EQ(narrow.args[0].toTensor().sizes(), at::IntArrayRef({2, 3}));
}

TEST(Resize, WhatTheCallDoesNotHave) {
  const Session session = session_of(kSum, "none");
  const BoundCall call = call_with({at::ones({2, 3}), at::ones({2, 3})});
  EXPECT_THROW(resized(call, change("z", 0), session), Error);
  EXPECT_THROW(resized(call, change("x", 7), session), Error);
  EXPECT_THROW(resized(call_with({}), {{"dims", "batch"}, {"size", 1}}, session), Error);
}

}  // namespace
}  // namespace tsharness
