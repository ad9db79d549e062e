#include "core/host_facts.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace tsharness {

namespace {

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    const size_t colon = line.find(": ");
    if (line.rfind("model name", 0) == 0 && colon != std::string::npos) {
      return line.substr(colon + 2);
    }
  }
  return "";
}

std::string c_library() {
#ifdef _CS_GNU_LIBC_VERSION
  char text[64] = "";
  if (::confstr(_CS_GNU_LIBC_VERSION, text, sizeof text) > 0) return text;
#endif
  return "";
}

}  // namespace

Json host_facts() {
  utsname names{};
  ::uname(&names);
  return {
      {"name", names.nodename},
      {"system", std::string(names.sysname) + " " + names.release + " " + names.machine},
      {"cpu", cpu_name()},
      {"cores", ::sysconf(_SC_NPROCESSORS_ONLN)},
      {"memory_bytes", static_cast<int64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGE_SIZE)},
      {"c_library", c_library()}};
}

}  // namespace tsharness
