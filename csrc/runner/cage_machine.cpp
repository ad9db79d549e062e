#include "runner/cage_machine.h"

#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>

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

/// Folders of the libraries that are mapped: others that belong to them lie beside them. NVIDIA's
/// wheels have a folder each, under one of that name.
void add_library_folders(std::vector<std::string>& read) {
  std::set<std::string> folders;
  for (const std::string& library : mapped_libraries()) {
    const std::string folder = fs::path(library).parent_path().string();
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
  rules.gpu = true;
  // The driver gives its threads names, and does not start where it cannot.
  rules.write.push_back("/proc/self/task");
  std::error_code none;
  for (const auto& entry : fs::directory_iterator("/dev", none)) {
    const std::string name = entry.path().filename();
    if (name.rfind("nvidia", 0) == 0 || name == "dri" || name == "kfd") {
      rules.devices.push_back(entry.path());
    }
  }
}

}  // namespace

CageRules machine_rules(bool gpu) {
  CageRules rules;
  rules.read.assign(std::begin(kMachine), std::end(kMachine));
  add_library_folders(rules.read);
  rules.devices.push_back("/dev/null");
  if (gpu) add_gpu(rules);
  return rules;
}

CageRules parse_cage_rules(const Json& json) {
  CageRules rules = machine_rules(json.at("gpu").get<bool>());
  const auto add = [&](std::vector<std::string>& to, const char* field) {
    for (const Json& path : json.at(field)) to.push_back(path.get<std::string>());
  };
  add(rules.read, "read");
  add(rules.write, "write");
  add(rules.execute, "execute");
  rules.file_bytes = json.at("file_bytes").get<int64_t>();
  rules.cpu_seconds = json.at("cpu_seconds").get<int64_t>();
  return rules;
}

}  // namespace tsharness
