#include "runner/cage_rules.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>

#include "core/error.h"
#include "core/process_info.h"

namespace tsharness {

namespace {

namespace fs = std::filesystem;

// What LibTorch and the C library open besides (seen by strace), and where libraries that are
// loaded late may lie.
const char* const kMachine[] = {"/proc/self",
                                "/proc/cpuinfo",
                                "/proc/meminfo",
                                "/proc/stat",
                                "/proc/pressure",
                                "/sys/class/powercap",
                                "/sys/devices/virtual/powercap",
                                "/proc/sys/vm/overcommit_memory",
                                "/sys/devices/system/cpu",
                                "/sys/devices/system/node",
                                "/sys/fs/cgroup",
                                "/sys/kernel/mm/transparent_hugepage",
                                "/dev/urandom",
                                "/dev/random",
                                "/etc/ld.so.cache",
                                "/etc/localtime",
                                "/lib",
                                "/lib64",
                                "/usr/lib",
                                "/usr/lib64",
                                "/usr/local/lib"};
const char* const kGpu[] = {"/proc/driver/nvidia", "/proc/devices",
                            "/proc/modules",       "/sys/module",
                            "/sys/bus/pci",        "/sys/devices",
                            "/usr/share/nvidia",   "/usr/local/cuda",
                            "/usr/local/nvidia",   "/proc/sys/vm/mmap_min_addr"};

std::string folder_of(const std::string& path) { return fs::path(path).parent_path().string(); }

/// Folders of the libraries that are mapped: others that belong to them lie beside them. NVIDIA's
/// wheels have a folder each, under one of that name.
void add_library_folders(std::vector<std::string>& read) {
  std::set<std::string> folders;
  for (const std::string& library : mapped_libraries()) {
    const std::string folder = folder_of(library);
    const size_t wheels = folder.find("/nvidia/");
    folders.insert(wheels == std::string::npos ? folder : folder.substr(0, wheels + 7));
  }
  read.insert(read.end(), folders.begin(), folders.end());
}

/// Folders where the loader looks first: containers have a GPU's driver there.
void add_loader_folders(std::vector<std::string>& read) {
  const char* path = std::getenv("LD_LIBRARY_PATH");
  std::istringstream folders(path != nullptr ? path : "");
  std::string folder;
  while (std::getline(folders, folder, ':')) {
    if (!folder.empty()) read.push_back(folder);
  }
}

void add_gpu(CageRules& rules) {
  rules.read.insert(rules.read.end(), std::begin(kGpu), std::end(kGpu));
  add_loader_folders(rules.read);
  rules.may_listen = true;
  // The driver gives its threads names, and does not start where it cannot.
  rules.write.push_back("/proc/self/task");
  std::error_code none;
  for (const auto& entry : fs::directory_iterator("/dev", none)) {
    const std::string name = entry.path().filename();
    if (name.rfind("nvidia", 0) == 0 || name == "dri" || name == "kfd" || name == "shm") {
      rules.devices.push_back(entry.path());
    }
  }
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
  CageRules rules;
  rules.read.assign(std::begin(kMachine), std::end(kMachine));
  rules.read.push_back(job.artifact);
  rules.read.push_back(job.artifact + ".cases.safetensors");
  if (job.cases) rules.read.push_back(job.cases->path);
  for (const Json& beside : job.cage.value("reads", Json::array())) {
    rules.read.push_back(beside.get<std::string>());
  }
  for (const std::string& library : job.libraries) rules.read.push_back(folder_of(library));
  add_library_folders(rules.read);
  for (const Json& step : job.steps) {
    for (const char* field : {"compare", "float64_outputs"}) {
      if (step.contains(field)) rules.read.push_back(step[field].get<std::string>());
    }
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
  rules.devices.push_back("/dev/null");
  if (uses_gpu(job)) add_gpu(rules);
  rules.file_bytes = job.cage.value("file_bytes", int64_t{0});
  rules.cpu_seconds = job.cage.value("cpu_seconds", int64_t{0});
  return rules;
}

Cage cage_for(const Job& job) {
  const auto mode = job.cage.value("mode", std::string("auto"));
  if (mode == "off") return {0, false, {"--sandbox off"}};
  const Cage cage = enter_cage(cage_rules(job));
  if (mode == "strict" && !cage.missing.empty()) {
    throw Error(ErrorKind::Device, "--sandbox strict: " + cage.missing.front() +
                                       "; use --sandbox auto to run with what there is");
  }
  return cage;
}

}  // namespace tsharness
