#include "runner/command_line.h"

#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <vector>

#include "core/error.h"

namespace tsharness {

const char kUsage[] =
    "usage: tsharness-runner [--events-fd N] JOB.json   do a job; '-' reads it from standard "
    "input\n"
    "       tsharness-runner --verify ARTIFACT [--cases FILE] [--device D] [--calls N]\n"
    "                        [--threads N]              verify an artifact that has its cases\n"
    "       tsharness-runner --bundle DIR [--output FILE] [--only verify|bench]\n"
    "                                                   do what a bundle holds\n"
    "       tsharness-runner --describe                 print what this runner is, as JSON\n"
    "       tsharness-runner --operators                print the operators that it has, as JSON\n";

namespace {

using Options = std::map<std::string, std::string>;

Job read_job(const std::string& path) {
  std::ifstream file;
  if (path != "-") {
    file.open(path);
    if (!file) throw Error(ErrorKind::Usage, "cannot read the job " + path);
  }
  try {
    if (path != "-") return parse_job(Json::parse(file));
    Json job;
    std::cin >> job;  // what may follow is for a step (docs/protocol.md, "turns")
    return parse_job(job);
  } catch (const Json::exception& error) {
    throw Error(ErrorKind::Usage, std::string("the job is not valid JSON: ") + error.what());
  }
}

int to_int(const std::string& option, const std::string& text) {
  size_t used = 0;
  int value = -1;
  try {
    value = std::stoi(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  if (used == 0 || used != text.size() || value < 0) {
    throw Error(ErrorKind::Usage, option + " needs a number, got '" + text + "'");
  }
  return value;
}

Job verify_job(const Options& options) {
  Job job;
  job.artifact = options.at("--verify");
  Json run = {{"step", "run"}};
  if (options.count("--cases")) job.cases = CaseFileLocation{options.at("--cases")};
  if (options.count("--device")) job.device = options.at("--device");
  if (options.count("--threads")) job.threads = to_int("--threads", options.at("--threads"));
  if (options.count("--calls")) run["calls"] = to_int("--calls", options.at("--calls"));
  job.steps = {{{"step", "integrity"}}, {{"step", "load"}}, run};
  return job;
}

BundleRequest bundle_request(const Options& options) {
  BundleRequest request;
  request.folder = options.at("--bundle");
  if (options.count("--output")) request.results = options.at("--output");
  if (options.count("--only")) request.only = options.at("--only");
  if (!request.only.empty() && request.only != "verify" && request.only != "bench") {
    throw Error(ErrorKind::Usage, "--only is verify or bench, got '" + request.only + "'");
  }
  return request;
}

}  // namespace

CommandLine parse_command_line(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  CommandLine command;
  Options options;
  std::string job_path;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--help") {
      command.help = true;
    } else if (argument == "--describe") {
      command.describe = true;
    } else if (argument == "--operators") {
      command.operators = true;
    } else if (argument.rfind("--", 0) == 0) {
      static const char* const known[] = {"--events-fd", "--verify", "--cases",
                                          "--device",    "--calls",  "--threads",
                                          "--bundle",    "--output", "--only"};
      if (std::find(std::begin(known), std::end(known), argument) == std::end(known)) {
        throw Error(ErrorKind::Usage, "unknown option " + argument);
      }
      if (i + 1 == arguments.size()) throw Error(ErrorKind::Usage, argument + " needs a value");
      options[argument] = arguments[++i];
    } else if (job_path.empty()) {
      job_path = argument;
    } else {
      throw Error(ErrorKind::Usage, "one job at a time, got also '" + argument + "'");
    }
  }
  if (options.count("--events-fd")) {
    command.events_fd = to_int("--events-fd", options.at("--events-fd"));
  }
  if (options.count("--bundle")) {
    command.bundle = bundle_request(options);
  } else if (options.count("--verify")) {
    command.text = true;
    command.job = verify_job(options);
  } else if (!job_path.empty()) {
    command.job = read_job(job_path);
  }
  return command;
}

}  // namespace tsharness
