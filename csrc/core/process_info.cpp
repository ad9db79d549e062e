#include "core/process_info.h"

#include <dlfcn.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <set>

#include "core/error.h"

namespace tsharness {

namespace {

std::string first_match(const std::string& path, const std::string& before,
                        const std::string& after) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    if (line.compare(0, before.size(), before) != 0) continue;
    const auto end = line.find(after, before.size());
    return line.substr(before.size(), end - before.size());
  }
  return "";
}

}  // namespace

std::vector<std::string> mapped_libraries() {
  std::set<std::string> paths;
  std::ifstream maps("/proc/self/maps");
  std::string line;
  while (std::getline(maps, line)) {
    const auto slash = line.find('/');
    const bool executable = line.find(" r-xp ") != std::string::npos;
    if (executable && slash != std::string::npos) paths.insert(line.substr(slash));
  }
  return {paths.begin(), paths.end()};
}

int64_t peak_memory_bytes() {
  struct rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;  // Linux counts in KiB
}

int64_t heap_bytes() {
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
  const auto info = ::mallinfo2();
  return static_cast<int64_t>(info.uordblks + info.hblkhd);
#else
  return -1;
#endif
}

int64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  int64_t total = 0;
  int64_t resident = 0;
  statm >> total >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

std::string loaded_torch_version(const std::vector<std::string>& libraries) {
  for (const std::string& path : libraries) {
    const auto lib = path.rfind("/lib/libtorch_cpu.so");
    if (lib == std::string::npos) continue;
    const std::string root = path.substr(0, lib);
    const std::string wheel = first_match(root + "/version.py", "__version__ = '", "'");
    return wheel.empty() ? first_match(root + "/build-version", "", "\n") : wheel;
  }
  return "";
}

void load_library(const std::string& path) {
  // Global: one such library may need the symbols of another.
  if (::dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    const char* reason = ::dlerror();
    throw Error(ErrorKind::Usage, "the library " + path + " cannot be loaded: " +
                                      (reason != nullptr ? reason : "no reason given"));
  }
}

}  // namespace tsharness
