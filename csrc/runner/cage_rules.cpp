#include "runner/cage_rules.h"

#include <filesystem>

#include "runner/cage_machine.h"

namespace tsharness {

namespace {

std::string folder_of(const std::string& path) {
  return std::filesystem::path(path).parent_path().string();
}

/// The job's own device, or one that a step compares it with.
bool uses_gpu(const Job& job) {
  bool found = job.device.rfind("cpu", 0) != 0;
  for (const Json& step : job.steps) {
    for (const Json& side : step.value("sides", Json::array())) {
      found = found || side.value("device", job.device).rfind("cpu", 0) != 0;
    }
  }
  return found;
}

}  // namespace

CageRules cage_rules(const Job& job) {
  CageRules rules = machine_rules(uses_gpu(job));
  rules.read.push_back(job.artifact);
  rules.read.push_back(job.artifact + ".cases.safetensors");
  if (job.cases) rules.read.push_back(job.cases->path);
  for (const Json& beside : job.cage.value("reads", Json::array())) {
    rules.read.push_back(beside.get<std::string>());
  }
  for (const std::string& library : job.libraries) rules.read.push_back(folder_of(library));
  for (const Json& step : job.steps) {
    if (step.contains("float64_outputs")) {
      rules.read.push_back(step["float64_outputs"].get<std::string>());
    }
    // The other runner puts another file in its place, behind its turns.
    if (step.contains("compare")) rules.read.push_back(folder_of(step["compare"]));
    // Tests have a folder that stands for the system's own.
    const auto root = step.value("system_root", std::string());
    if (!root.empty()) rules.read.push_back(root);
    for (const Json& side : step.value("sides", Json::array())) {
      if (side.contains("artifact")) rules.read.push_back(side["artifact"].get<std::string>());
    }
    for (const char* field : {"save", "save_outputs", "samples", "trace"}) {
      const auto path = step.value(field, std::string());
      if (!path.empty()) rules.write.push_back(folder_of(path));
    }
  }
  const auto scratch = job.cage.value("scratch", std::string());
  if (!scratch.empty()) rules.write.push_back(scratch);
  // A GPU's driver reserves more addresses than a limit could allow: there, who watches limits it.
  if (!rules.gpu) rules.memory_bytes = job.memory_limit;
  rules.file_bytes = job.cage.value("file_bytes", int64_t{0});
  rules.cpu_seconds = job.cage.value("cpu_seconds", int64_t{0});
  return rules;
}

Cage cage_for(const Job& job, const std::vector<std::string>& read) {
  CageRules rules = cage_rules(job);
  rules.read.insert(rules.read.end(), read.begin(), read.end());
  return enter_cage(rules, job.cage.value("mode", std::string("auto")));
}

}  // namespace tsharness
