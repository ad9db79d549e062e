// An operator that tries what an artifact must not be able to do: 1 if it could, 0 if it was
// refused.
#include <arpa/inet.h>
#include <dirent.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
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

const std::map<std::string, std::function<bool(const std::string&)>> kAttacks = {
    {"connect", [](const std::string&) { return open_socket(AF_INET); }},
    {"listen", [](const std::string&) { return open_socket(AF_INET6); }},
    {"local-socket", [](const std::string&) { return open_socket(AF_UNIX); }},
    {"execute", [](const std::string&) { return execute(); }},
    {"fork", [](const std::string&) { return fork_one(); }},
    {"kill-parent", [](const std::string& pid) { return ::kill(std::stoi(pid), 0) == 0; }},
    {"trace-parent",
     [](const std::string& pid) {
       return ::ptrace(PTRACE_ATTACH, std::stoi(pid), nullptr, nullptr) == 0;
     }},
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
