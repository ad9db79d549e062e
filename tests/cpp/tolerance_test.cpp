#include "core/tolerance.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace tsharness {
namespace {

constexpr auto kFloat = c10::ScalarType::Float;
constexpr auto kCpu = c10::DeviceType::CPU;

TEST(Tolerance, DefaultsFollowTheDtype) {
  EXPECT_EQ(default_tolerance(kFloat, kCpu).rtol, 1.3e-6);
  EXPECT_EQ(default_tolerance(c10::ScalarType::BFloat16, kCpu).rtol, 1.6e-2);
  EXPECT_EQ(default_tolerance(c10::ScalarType::Long, kCpu).atol, 0);
}

TEST(Tolerance, AnotherDeviceIsWider) {
  EXPECT_GT(default_tolerance(kFloat, c10::DeviceType::CUDA).rtol,
            default_tolerance(kFloat, kCpu).rtol);
}

TEST(Tolerance, AnOutputsOwnEntryWins) {
  const TolerancePolicy policy(
      Json{{"rtol", 0.1}, {"atol", 0.3}, {"outputs", {{"a", {{"atol", 0.4}}}}}}, kCpu);
  EXPECT_EQ(policy.of("b", kFloat).rtol, 0.1);
  EXPECT_EQ(policy.of("b", kFloat).atol, 0.3);
  EXPECT_EQ(policy.of("a", kFloat).rtol, 0.1);
  EXPECT_EQ(policy.of("a", kFloat).atol, 0.4);
}

TEST(Tolerance, NothingOfAFilesCountsWhereTheUserSaysAnything) {
  const Json file{{"atol", 9.0}, {"accept", Json::array({{"psnr", ">=", 1.0}})}};
  for (const Json& user : {Json{{"rtol", 0.1}}, Json{{"exact", true}}, Json{{"exact", false}},
                           Json{{"accept", Json::array({{"psnr", ">=", 40.0}})}}}) {
    const TolerancePolicy policy(file, user, kCpu);
    EXPECT_LT(policy.of("a", kFloat).atol, 1) << user;
    EXPECT_EQ(policy.accept("a", kFloat), user.value("accept", Json())) << user;
    EXPECT_STREQ(policy.set_by("a", kFloat), "user");
  }
  const TolerancePolicy policy(file, Json{{"outputs", {{"a", {{"rtol", 0.1}}}}}, {"topk", 1}},
                               kCpu);
  EXPECT_LT(policy.of("a", kFloat).atol, 1);
  EXPECT_EQ(policy.of("b", kFloat).atol, 9);
  EXPECT_STREQ(policy.set_by("b", kFloat), "file");
  EXPECT_STREQ(policy.set_by("b", c10::ScalarType::Long), "table");
  EXPECT_STREQ(TolerancePolicy(Json{{"normwise", true}}, kCpu).set_by("b", kFloat), "table");
}

TEST(Tolerance, ExactIsZero) {
  const TolerancePolicy policy(Json{{"atol", 1.0}}, Json{{"exact", true}}, kCpu);
  EXPECT_TRUE(policy.of("a", kFloat).exact);
  EXPECT_EQ(policy.of("a", kFloat).atol, 0);
}

TEST(Tolerance, IntegersIgnoreWhatWasStated) {
  const TolerancePolicy policy(Json{{"atol", 10.0}}, kCpu);
  EXPECT_TRUE(policy.of("a", c10::ScalarType::Int).exact);
  EXPECT_EQ(policy.of("a", c10::ScalarType::Bool).atol, 0);
}

std::string refusal(const Json& rules) {
  try {
    const TolerancePolicy policy(rules, Json(), kCpu);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::CaseFile);
    return error.what();
  }
  return "";
}

std::string bound(const char* statistic, const char* sense, const Json& value) {
  return refusal(Json{{"accept", Json::array({{statistic, sense, value}})}});
}

TEST(Rules, ThatJudgeNothingAreRefused) {
  EXPECT_NE(bound("psnr", "=>", 40).find("the operators are >= (at least) and <= (at most)"),
            std::string::npos);
  EXPECT_NE(bound("psnr", "<=", 40).find("state it with >="), std::string::npos);
  EXPECT_NE(bound("max_abs", ">=", 0).find("state it with <="), std::string::npos);
  EXPECT_NE(bound("psnr", ">=", -1000).find("judges nothing"), std::string::npos);
  EXPECT_NE(bound("cosine", ">=", 1.5).find("above 0 and at most 1"), std::string::npos);
  EXPECT_NE(bound("mismatched", "<=", 1).find("at least 0 and below 1"), std::string::npos);
  EXPECT_NE(bound("l2", "<=", "much").find("judges nothing"), std::string::npos);
  EXPECT_NE(bound("beauty", ">=", 1).find("no statistic 'beauty'"), std::string::npos);
  EXPECT_NE(refusal(Json{{"rtoll", 1}}).find("no rule 'rtoll'"), std::string::npos);
  EXPECT_NE(refusal(Json{{"rtol", -1}}).find("rtol is no number"), std::string::npos);
  EXPECT_NE(refusal(Json{{"outputs", {{"a", {{"atol", "x"}}}}}}).find("atol"), std::string::npos);
  EXPECT_EQ(bound("psnr", ">=", 40), "");
  EXPECT_EQ(bound("cosine", ">=", 1), "");
  EXPECT_EQ(bound("mismatched", "<=", 0), "");
}

}  // namespace
}  // namespace tsharness
