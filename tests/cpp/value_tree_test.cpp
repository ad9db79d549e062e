#include "core/value_tree.h"

#include <ATen/ATen.h>
#include <ATen/core/jit_type.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "core/error.h"
#include "core/tensor_io.h"

namespace tsharness {
namespace {

/// An empty case file for nodes that hold no tensors.
class ValueTree : public ::testing::Test {
 protected:
  static const SafetensorsReader& empty() {
    static const std::string path =
        (std::filesystem::temp_directory_path() / "tsharness-empty.safetensors").string();
    static const SafetensorsReader reader = [] {
      SafetensorsWriter().write(path, {});
      return SafetensorsReader(path, 0, 0);
    }();
    return reader;
  }
  static c10::IValue decode(const char* json, const c10::TypePtr& type = nullptr) {
    return decode_value(Json::parse(json), empty(), type);
  }
};

TEST_F(ValueTree, TheArgumentTypeDecides) {
  EXPECT_TRUE(decode("3").isInt());
  EXPECT_TRUE(decode("3", c10::FloatType::get()).isDouble());
  const auto list = c10::ListType::create(c10::FloatType::get());
  EXPECT_TRUE(decode(R"({"list":[1,2]})", list).isDoubleList());
  EXPECT_TRUE(decode(R"({"list":[]})", list).isDoubleList());
  EXPECT_TRUE(decode("null", c10::OptionalType::create(c10::IntType::get())).isNone());
  EXPECT_TRUE(decode("2", c10::OptionalType::create(c10::FloatType::get())).isDouble());
}

TEST_F(ValueTree, WithoutATypeElementsDecide) {
  EXPECT_TRUE(decode(R"({"list":[1,2]})").isIntList());
  EXPECT_EQ(decode(R"({"list":[1,"a"]})").toList().size(), 2u);
}

TEST_F(ValueTree, FloatsKeepTheirBits) {
  EXPECT_EQ(decode(R"({"float":"7ff0000000000000"})").toDouble(), INFINITY);
  EXPECT_TRUE(std::isnan(decode(R"({"float":"fff8000000000001"})").toDouble()));
  EXPECT_TRUE(std::signbit(decode(R"({"float":-0.0})").toDouble()));
}

TEST_F(ValueTree, MalformedNodesAreErrors) {
  for (const char* json : {"[1]", R"({"what":1})", R"({"dict":[[1]]})", R"({"dtype":"float99"})",
                           R"({"device":"toaster"})", R"({"complex":[1]})", R"({"tensor":"t0"})",
                           R"({"dict":[[1,1],[1,2]]})", "18446744073709551615"}) {
    EXPECT_THROW(decode(json), Error) << json;
  }
}

TEST_F(ValueTree, ClonesShareNothing) {
  const at::Tensor x = at::zeros({4, 3}).t();
  const c10::IValue tree = c10::ivalue::Tuple::create({x, c10::IValue(1)});
  const c10::IValue copy = clone_value(tree, c10::Device(c10::kCPU));
  copy.toTupleRef().elements()[0].toTensor().add_(1);
  EXPECT_EQ(x.sum().item<float>(), 0);
  EXPECT_EQ(copy.toTupleRef().elements()[0].toTensor().strides(), x.strides());
}

TEST_F(ValueTree, AnExpandedTensorKeepsItsStrides) {
  const at::Tensor x = at::arange(3, at::kFloat).expand({5, 3});
  const at::Tensor copy = clone_exactly(x, c10::Device(c10::kCPU));
  EXPECT_EQ(copy.strides(), x.strides());
  EXPECT_TRUE(at::equal(copy, x));
}

}  // namespace
}  // namespace tsharness
