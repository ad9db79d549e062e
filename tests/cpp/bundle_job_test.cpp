#include "runner/bundle_job.h"

#include <gtest/gtest.h>

namespace tsharness {
namespace {

Json steps() {
  return Json::parse(R"([
      {"step": "load"},
      {"step": "run", "id": "run-5", "cases": ["a", "b", "c"]},
      {"step": "soak", "id": "soak", "cases": ["a"]}])");
}

Ending after(const char* events) {
  Ending ending;
  for (const Json& event : Json::parse(events)) ending.events.push_back(event);
  return ending;
}

TEST(StepsLeft, CasesBehindTheOneThatDied) {
  const Ending ending = after(R"([
      {"event": "step-begin", "step": "load"},
      {"event": "step-begin", "step": "run", "id": "run-5", "case": "a"},
      {"event": "progress", "step": "run", "id": "run-5", "case": "a"},
      {"event": "result", "step": "run", "id": "run-5", "case": "a"},
      {"event": "step-begin", "step": "run", "id": "run-5", "case": "b"},
      {"event": "progress", "step": "run", "id": "run-5", "case": "b"}])");
  const Json left = steps_left(steps(), ending);
  ASSERT_EQ(left.size(), 2U);
  EXPECT_EQ(left[0]["cases"], Json::parse(R"(["c"])"));
  EXPECT_EQ(left[1]["id"], "soak");
}

TEST(StepsLeft, NothingOfTheLastCaseOfAStep) {
  const Ending ending = after(R"([
      {"event": "step-begin", "step": "run", "id": "run-5", "case": "a"},
      {"event": "error", "step": "run", "id": "run-5", "case": "a"},
      {"event": "step-begin", "step": "run", "id": "run-5", "case": "b"},
      {"event": "result", "step": "run", "id": "run-5", "case": "b"},
      {"event": "step-begin", "step": "run", "id": "run-5", "case": "c"}])");
  const Json left = steps_left(steps(), ending);
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0]["id"], "soak");
}

TEST(StepsLeft, NothingIfItDiedWhileLoading) {
  EXPECT_TRUE(steps_left(steps(), after(R"([{"event": "step-begin", "step": "load"}])")).empty());
  EXPECT_TRUE(steps_left(steps(), after("[]")).empty());
}

TEST(Place, PutsFoldersInAnywhere) {
  Json job = {{"artifact", "@bundle@/m.pt"}, {"steps", {{{"save", "@work@/1-x"}, {"n", 3}}}}};
  place(job, {{"@bundle@", "/b"}, {"@work@", "/w"}});
  EXPECT_EQ(job["artifact"], "/b/m.pt");
  EXPECT_EQ(job["steps"][0]["save"], "/w/1-x");
}

TEST(EnvironmentOf, KeepsWhatTheBundleSaysAndTheEntryS) {
  ::setenv("OMP_TEST", "1", 1);
  ::setenv("SECRET_TEST", "1", 1);
  const Json bundle = {{"kept_variables", {"OMP_"}}};
  const Json entry = {{"environment", {{"ATEN_CPU_CAPABILITY", "default"}}}};
  const auto found = environment_of(bundle, entry, "/s");
  const auto has = [&](const char* text) {
    return std::find(found.begin(), found.end(), text) != found.end();
  };
  EXPECT_TRUE(has("OMP_TEST=1") && has("ATEN_CPU_CAPABILITY=default") && has("HOME=/s"));
  EXPECT_FALSE(has("SECRET_TEST=1"));
}

}  // namespace
}  // namespace tsharness
