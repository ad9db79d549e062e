#include "runner/events.h"

#include <gtest/gtest.h>

#include "runner/command_line.h"
#include "runner/job.h"

namespace tsharness {
namespace {

class Recorder : public EventSink {
 public:
  std::vector<Json> events;

 protected:
  void write(const Json& event) override { events.push_back(event); }
};

TEST(Events, APassIsZero) {
  Recorder events;
  events.emit("result", {{"passed", true}});
  events.emit("bye", Json::object());
  EXPECT_EQ(events.events.back()["exit_code"], 0);
}

TEST(Events, TheWorstCodeStays) {
  Recorder events;
  events.emit("result", {{"passed", false}});
  EXPECT_EQ(events.exit_code(), 1);
  events.emit_error(Error(ErrorKind::Memory, "too much"), {{"case", "a"}});
  EXPECT_EQ(events.exit_code(), 6);
  events.emit_error(Error(ErrorKind::Execution, "raised"), {{"case", "b"}});
  EXPECT_EQ(events.exit_code(), 6);
  EXPECT_EQ(events.events.back()["kind"], "execution");
}

TEST(Job, AnotherProtocolIsRefused) {
  EXPECT_THROW(parse_job({{"protocol", 2}, {"artifact", "a"}, {"steps", Json::array()}}), Error);
}

TEST(Job, UnknownFieldsAreIgnored) {
  const Job job = parse_job({{"protocol", kProtocolVersion},
                             {"artifact", "a"},
                             {"new", 1},
                             {"steps", Json::array({{{"step", "load"}}})}});
  EXPECT_EQ(job.artifact, "a");
  EXPECT_EQ(job.steps.size(), 1u);
}

TEST(Job, WhatIsMissingIsAnError) {
  EXPECT_THROW(parse_job(Json::object()), Error);
  EXPECT_THROW(parse_job({{"protocol", 1}, {"artifact", "a"}, {"steps", {{{"no", 1}}}}}), Error);
}

CommandLine parse(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "tsharness-runner");
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  return parse_command_line(static_cast<int>(pointers.size()), pointers.data());
}

TEST(CommandLine, VerifyMakesAJob) {
  const CommandLine command = parse({"--verify", "m.pt", "--calls", "3", "--device", "cuda"});
  ASSERT_TRUE(command.job.has_value());
  EXPECT_TRUE(command.text);
  EXPECT_EQ(command.job->device, "cuda");
  EXPECT_EQ(command.job->steps[0]["step"], "integrity");  // before anything of it runs
  EXPECT_EQ(command.job->steps[1]["step"], "load");
  EXPECT_EQ(command.job->steps[2]["calls"], 3);
}

TEST(CommandLine, MistakesAreErrors) {
  EXPECT_THROW(parse({"--verify"}), Error);
  EXPECT_THROW(parse({"--nonsense", "1"}), Error);
  EXPECT_THROW(parse({"--verify", "m.pt", "--calls", "x"}), Error);
  EXPECT_THROW(parse({"/no/such/job.json"}), Error);
}

}  // namespace
}  // namespace tsharness
