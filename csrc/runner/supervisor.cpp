#include "runner/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <random>
#include <sstream>

#include "core/clock.h"
#include "core/descriptor.h"
#include "core/error.h"
#include "runner/pipe.h"

namespace tsharness {

namespace {

constexpr int kEventsFd = 3;
constexpr size_t kKeptOutput = 8192;              // bytes of what the model printed last
constexpr size_t kLongestLine = size_t{1} << 28;  // bytes of one event
constexpr double kLongestWait = 3600;             // seconds of one look at the process
constexpr double kExitGrace = 10;                 // seconds from the last event to the end

std::string fresh_nonce() {
  std::random_device source;
  std::string nonce;
  for (int i = 0; i < 16; ++i) nonce += "0123456789abcdef"[source() % 16];
  return nonce;
}

/// The job as a file that the process reads as its standard input.
Descriptor job_file(const Json& job, const std::string& scratch) {
  const std::string path = scratch + "/job.json";
  Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  const std::string text = job.dump();
  if (file.get() < 0 ||
      ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw Error(ErrorKind::Usage, "cannot write to " + scratch + ": " + std::strerror(errno));
  }
  ::lseek(file.get(), 0, SEEK_SET);
  ::unlink(path.c_str());
  return file;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

class Watch {
 public:
  Watch(const Json& job, const std::string& scratch, const std::vector<std::string>& environment,
        double timeout, const std::function<void(const Json&)>& on_event)
      : nonce_(job.at("nonce").get<std::string>()), timeout_(timeout), on_event_(on_event) {
    start(job, scratch, environment);
  }

  Ending until_end() {
    deadline_ = now_seconds() + timeout_;
    std::array<pollfd, 2> ends{{{events_.read.get(), POLLIN, 0}, {printed_.read.get(), POLLIN, 0}}};
    while ((ends[0].fd >= 0 || ends[1].fd >= 0) && ending_.problem.empty()) {
      const double left = std::clamp(deadline_ - now_seconds(), 0.0, kLongestWait);
      if (::poll(ends.data(), ends.size(), static_cast<int>(1000 * left) + 1) == 0 &&
          now_seconds() >= deadline_) {
        expire();
      }
      for (size_t i = 0; i < 2; ++i) {
        if (ends[i].revents != 0 && !take(ends[i].fd, i == 0)) ends[i].fd = -1;
      }
    }
    end();
    return std::move(ending_);
  }

 private:
  void start(const Json& job, const std::string& scratch,
             const std::vector<std::string>& environment) {
    const Descriptor input = job_file(job, scratch);
    const std::vector<std::string> arguments = {"tsharness-runner", "--events-fd",
                                                std::to_string(kEventsFd), "-"};
    const auto argv = pointers(arguments);
    const auto envp = pointers(environment);
    pid_ = ::fork();
    if (pid_ < 0) throw Error(ErrorKind::Usage, std::strerror(errno));
    if (pid_ == 0) {
      ::setsid();
      ::dup2(input.get(), STDIN_FILENO);
      ::dup2(printed_.write.get(), STDOUT_FILENO);
      ::dup2(printed_.write.get(), STDERR_FILENO);
      // A descriptor that is itself number 3 would keep its flag, and be closed.
      const int events = ::fcntl(events_.write.get(), F_DUPFD, kEventsFd + 1);
      ::dup2(events, kEventsFd);
      ::close(events);
      if (::chdir(scratch.c_str()) == 0) ::execve("/proc/self/exe", argv.data(), envp.data());
      ::_exit(127);
    }
    events_.write.reset();
    printed_.write.reset();
  }

  void expire() {
    ending_.problem = "timeout";
    std::ostringstream message;
    message << "took longer than " << timeout_ << " s";
    ending_.message = message.str();
  }

  /// False at the end of the stream.
  bool take(int fd, bool events) {
    char chunk[1 << 16];
    const ssize_t bytes = ::read(fd, chunk, sizeof chunk);
    if (bytes < 0 && errno == EINTR) return true;
    if (bytes <= 0) return false;
    std::string& target = events ? line_ : ending_.printed;
    target.append(chunk, static_cast<size_t>(bytes));
    if (events) {
      take_lines();
    } else if (target.size() > kKeptOutput) {
      target.erase(0, target.size() - kKeptOutput);
    }
    return true;
  }

  void take_lines() {
    size_t end = 0;
    while ((end = line_.find('\n')) != std::string::npos && ending_.problem.empty()) {
      take_event(line_.substr(0, end));
      line_.erase(0, end + 1);
    }
    if (line_.size() > kLongestLine) garbage();
  }

  void take_event(const std::string& line) {
    Json event = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!event.is_object() || event.value("nonce", "") != nonce_ || !event.contains("event")) {
      garbage();
      return;
    }
    event.erase("nonce");
    if (event["event"] == "step-begin") deadline_ = now_seconds() + timeout_;
    event["received"] = now_seconds();
    on_event_(event);
    ending_.events.push_back(std::move(event));
  }

  void garbage() {
    ending_.problem = "garbage";
    ending_.message = "wrote something that is no event to the event stream";
  }

  void end() {
    const double grace = now_seconds() + (ending_.problem.empty() ? kExitGrace : 0);
    int status = 0;
    while (::waitpid(pid_, &status, WNOHANG) == 0) {
      if (now_seconds() > grace) {
        ::kill(-pid_, SIGKILL);
        ::waitpid(pid_, &status, 0);
        break;
      }
      ::usleep(1000);
    }
    ::kill(-pid_, SIGKILL);  // whatever it may have left
    ending_.code = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  }

  std::string nonce_;
  double timeout_;
  const std::function<void(const Json&)>& on_event_;
  Pipe events_;
  Pipe printed_;
  pid_t pid_ = -1;
  double deadline_ = 0;
  std::string line_;
  Ending ending_;
};

}  // namespace

bool Ending::complete() const {
  return problem.empty() && code >= 0 && !events.empty() && events.back().at("event") == "bye";
}

Ending supervise(const Json& job, const std::string& scratch,
                 const std::vector<std::string>& environment, double timeout,
                 const std::function<void(const Json&)>& on_event) {
  Json mine = job;
  mine["nonce"] = fresh_nonce();
  return Watch(mine, scratch, environment, timeout, on_event).until_end();
}

}  // namespace tsharness
