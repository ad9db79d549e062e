// An operator that tries what an artifact must not be able to do: 1 if it could, 0 if it was
// refused.
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <torch/library.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <string>

namespace {

bool open_socket(int family) { return ::socket(family, SOCK_STREAM, 0) >= 0; }

bool execute() {
  const pid_t child = ::vfork();
  if (child == 0) {
    ::execl("/bin/true", "true", nullptr);
    ::_exit(1);
  }
  int status = 1;
  return child > 0 && ::waitpid(child, &status, 0) == child && status == 0;
}

bool fork_one() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  if (child > 0) ::waitpid(child, nullptr, 0);
  return child > 0;
}

/// Of the processor time, and without raising anything: a limit that the other one must obey.
bool limit_of(pid_t pid) {
  const rlimit limit{1 << 20, 1 << 20};
  return ::prlimit(pid, RLIMIT_CPU, &limit, nullptr) == 0;
}

bool processors_of(pid_t pid) {
  cpu_set_t all;
  ::sched_getaffinity(0, sizeof all, &all);
  return ::sched_setaffinity(pid, sizeof all, &all) == 0;
}

bool scheduling_of(pid_t pid) {
  const sched_param parameters{};
  return ::sched_setscheduler(pid, SCHED_BATCH, &parameters) == 0;
}

bool descriptor_of(pid_t pid) { return ::syscall(434, pid, 0) >= 0; }  // pidfd_open

const std::map<std::string, std::function<bool(const std::string&)>> kAttacks = {
    {"connect", [](const std::string&) { return open_socket(AF_INET); }},
    {"listen", [](const std::string&) { return open_socket(AF_INET6); }},
    {"local-socket", [](const std::string&) { return open_socket(AF_UNIX); }},
    {"execute", [](const std::string&) { return execute(); }},
    {"fork", [](const std::string&) { return fork_one(); }},
    {"kill-other", [](const std::string& pid) { return ::kill(std::stoi(pid), 0) == 0; }},
    {"trace-other",
     [](const std::string& pid) {
       return ::ptrace(PTRACE_ATTACH, std::stoi(pid), nullptr, nullptr) == 0;
     }},
    {"limit-other", [](const std::string& pid) { return limit_of(std::stoi(pid)); }},
    {"slow-other",
     [](const std::string& pid) {
       return ::setpriority(PRIO_PROCESS, static_cast<id_t>(std::stoi(pid)), 1) == 0;
     }},
    {"move-other", [](const std::string& pid) { return processors_of(std::stoi(pid)); }},
    {"schedule-other", [](const std::string& pid) { return scheduling_of(std::stoi(pid)); }},
    {"hold-other", [](const std::string& pid) { return descriptor_of(std::stoi(pid)); }},
    {"chmod", [](const std::string& path) { return ::chmod(path.c_str(), 0600) == 0; }},
    {"chown", [](const std::string& path) { return ::chown(path.c_str(), ::getuid(), -1) == 0; }},
    {"utimes", [](const std::string& path) { return ::utimes(path.c_str(), nullptr) == 0; }},
    {"setxattr",
     [](const std::string& path) { return ::setxattr(path.c_str(), "user.x", "x", 1, 0) == 0; }},
    {"truncate", [](const std::string& path) { return ::truncate(path.c_str(), 1) == 0; }},
    {"read", [](const std::string& path) { return std::ifstream(path).get() != EOF; }},
    {"list", [](const std::string& path) { return ::opendir(path.c_str()) != nullptr; }},
    {"write",
     [](const std::string& path) { return bool(std::ofstream(path) << "written" << std::flush); }},
};

int64_t run(const c10::string_view name, const c10::string_view argument) {
  return kAttacks.at(std::string(name))(std::string(argument)) ? 1 : 0;
}

}  // namespace

TORCH_LIBRARY(attacks, library) { library.def("run(str name, str argument) -> int", run); }
