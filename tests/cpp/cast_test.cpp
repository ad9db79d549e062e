#include "core/cast.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace tsharness {
namespace {

TEST(Cast, ChangesFloatingPointAlone) {
  const Cast cast(Json::object({{"dtype", "bfloat16"}}));
  EXPECT_TRUE(cast.changes_something());
  EXPECT_EQ(cast(at::ones({2})).scalar_type(), at::kBFloat16);
  EXPECT_EQ(cast(at::ones({2}, at::kLong)).scalar_type(), at::kLong);
}

TEST(Cast, AMemoryFormatIsForTensorsThatHaveIt) {
  const Cast cast(Json::object({{"memory_format", "channels_last"}}));
  const at::Tensor image = at::arange(24, at::kFloat).view({1, 2, 3, 4});
  EXPECT_TRUE(cast(image).is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(at::equal(cast(image), image));
  EXPECT_TRUE(cast(at::ones({2, 3})).is_contiguous());
}

TEST(Cast, NothingIsNoCast) {
  EXPECT_FALSE(Cast().changes_something());
  EXPECT_FALSE(Cast(Json()).changes_something());
}

TEST(Cast, NamesThatThereAreNot) {
  EXPECT_THROW(Cast(Json::object({{"dtype", "int64"}})), Error);
  EXPECT_THROW(Cast(Json::object({{"dtype", "float7"}})), Error);
  EXPECT_THROW(Cast(Json::object({{"memory_format", "rows"}})), Error);
  EXPECT_THROW(Cast(Json::object({{"layout", "strided"}})), Error);
}

}  // namespace
}  // namespace tsharness
