#include "core/settings.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace tsharness {
namespace {

TEST(Settings, AreSetAndPutBack) {
  const bool onednn = at::globalContext().userEnabledMkldnn();
  const int threads = at::get_num_threads();
  {
    const Settings settings(Json{{"onednn", !onednn}, {"threads", threads + 1}});
    EXPECT_EQ(at::globalContext().userEnabledMkldnn(), !onednn);
    EXPECT_EQ(at::get_num_threads(), threads + 1);
  }
  EXPECT_EQ(at::globalContext().userEnabledMkldnn(), onednn);
  EXPECT_EQ(at::get_num_threads(), threads);
}

TEST(Settings, UnknownNamesAndValuesAreErrors) {
  EXPECT_THROW(Settings(Json{{"nothing", true}}), Error);
  EXPECT_THROW(Settings(Json{{"onednn", "yes"}}), Error);
  EXPECT_THROW(Settings(Json{{"grad_mode", "sometimes"}}), Error);
}

TEST(Settings, GradModes) {
  EXPECT_EQ(Settings(Json(nullptr)).grad_mode(), GradMode::NoGrad);
  EXPECT_EQ(Settings(Json{{"grad_mode", "inference"}}).grad_mode(), GradMode::Inference);
  {
    const GradGuard guard(GradMode::NoGrad);
    EXPECT_FALSE(at::GradMode::is_enabled());
    EXPECT_FALSE(c10::InferenceMode::is_enabled());
  }
  const GradGuard guard(GradMode::Inference);
  EXPECT_TRUE(c10::InferenceMode::is_enabled());
}

}  // namespace
}  // namespace tsharness
