#include "runner/quoted_run.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include "core/descriptor.h"
#include "core/error.h"
#include "core/printable.h"
#include "runner/pipe.h"

namespace tsharness {

namespace {

constexpr int kDied = 6;
constexpr size_t kLongestPrinted = 4096;  // bytes; what is longer is broken

[[noreturn]] void do_body(const std::function<int(int)>& body, int says, int printed) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::dup2(printed, STDOUT_FILENO);
  ::dup2(printed, STDERR_FILENO);
  int code = 2;
  try {
    code = body(says);
  } catch (...) {
    const Error error = current_error(ErrorKind::Usage);
    ::dprintf(says, "tsharness-runner: %s\n", first_and_quoted(error.what()).c_str());
    if (error.kind() == ErrorKind::Device) code = 8;
  }
  std::fflush(nullptr);
  std::cout.flush();
  std::_Exit(code);
}

/// What comes out of one end, line by line.
class Lines {
 public:
  explicit Lines(bool quote) : quote_(quote) {}

  /// False at the end of the stream.
  bool take(int fd) {
    char chunk[1 << 16];
    const ssize_t bytes = ::read(fd, chunk, sizeof chunk);
    if (bytes < 0 && errno == EINTR) return true;
    if (bytes > 0) text_.append(chunk, static_cast<size_t>(bytes));
    size_t end = 0;
    while ((end = text_.find('\n')) != std::string::npos) print(end, 1);
    while (text_.size() > kLongestPrinted) print(kLongestPrinted, 0);
    if (bytes <= 0 && !text_.empty()) print(text_.size(), 0);
    std::cout.flush();
    return bytes > 0;
  }

 private:
  void print(size_t end, size_t newline) {
    const std::string line = text_.substr(0, end);
    std::cout << (quote_ ? tsharness::quoted(line) : line) << "\n";
    text_.erase(0, end + newline);
  }

  bool quote_;
  std::string text_;
};

int exit_code_after(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFSIGNALED(status)) return WEXITSTATUS(status);
  std::cout << "ERROR the runner was ended by signal " << WTERMSIG(status) << " ("
            << ::strsignal(WTERMSIG(status)) << ")\nFAIL  exit code " << kDied << std::endl;
  return kDied;
}

}  // namespace

int run_quoted(const std::function<int(int)>& body) {
  Pipe says;
  Pipe printed;
  const pid_t child = ::fork();
  if (child < 0) throw Error(ErrorKind::Usage, std::strerror(errno));
  if (child == 0) do_body(body, says.write.get(), printed.write.get());
  says.write.reset();
  printed.write.reset();
  // What was printed first: it was there before what is said of it.
  std::array<Lines, 2> lines{Lines(true), Lines(false)};
  std::array<pollfd, 2> ends{{{printed.read.get(), POLLIN, 0}, {says.read.get(), POLLIN, 0}}};
  while (ends[0].fd >= 0 || ends[1].fd >= 0) {
    if (::poll(ends.data(), ends.size(), -1) < 0 && errno != EINTR) break;
    for (size_t i = 0; i < ends.size(); ++i) {
      if (ends[i].fd >= 0 && ends[i].revents != 0 && !lines[i].take(ends[i].fd)) ends[i].fd = -1;
    }
  }
  return exit_code_after(child);
}

}  // namespace tsharness
