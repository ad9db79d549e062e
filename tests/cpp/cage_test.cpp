#include "runner/cage.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "runner/cage_rules.h"

namespace tsharness {
namespace {

Job job_on(const std::string& device) {
  Job job;
  job.artifact = "/nowhere/model.pt";
  job.device = device;
  return job;
}

/// A socket of a name that has no file.
bool listens() {
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "cage-test-%d", ::getpid());
  const auto* bound = reinterpret_cast<const sockaddr*>(&address);
  return socket >= 0 && ::bind(socket, bound, sizeof address) == 0 && ::listen(socket, 1) == 0;
}

bool connects_or_accepts() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  const auto* to = reinterpret_cast<const sockaddr*>(&address);
  const bool connected = ::connect(socket, to, sizeof address) == 0 || errno != EPERM;
  const bool accepted = ::accept(socket, nullptr, nullptr) >= 0 || errno != EPERM;
  return connected || accepted;
}

/// On a datagram socket, to whom it names or to nobody.
bool sends() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM, 0);
  const auto* to = reinterpret_cast<const sockaddr*>(&address);
  const bool to_name = ::sendto(socket, "x", 1, 0, to, sizeof address) >= 0 || errno != EPERM;
  const bool to_nobody = ::send(socket, "x", 1, 0) >= 0 || errno != EPERM;
  msghdr message{};
  message.msg_name = &address;
  message.msg_namelen = sizeof address;
  const bool by_message = ::sendmsg(socket, &message, 0) >= 0 || errno != EPERM;
  int pair[2];
  return to_name || to_nobody || by_message || ::socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0;
}

/// What a model's torch.from_file(shared=True) does.
bool makes_shared_memory() {
  const std::string path = "/dev/shm/cage-test-" + std::to_string(::getpid());
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT, 0600);
  if (file >= 0) ::unlink(path.c_str());
  return file >= 0;
}

bool sends_keys_to_a_terminal() { return ::ioctl(-1, 0x5412, "x") == 0 || errno != EPERM; }

bool names_its_thread() {
  const std::string path = "/proc/self/task/" + std::to_string(::syscall(SYS_gettid)) + "/comm";
  const int file = ::open(path.c_str(), O_WRONLY | O_TRUNC);
  return file >= 0 && ::write(file, "worker", 6) == 6;
}

/// Number of the first thing that is not as it must be; 0 if all is well. In the cage for good.
int seen_in_cage_of_gpu() {
  const Cage cage = enter_cage(cage_rules(job_on("cuda")));
  if (!cage.seccomp) return 0;  // there is no cage here
  if (!names_its_thread()) return 1;
  if (!listens()) return 2;
  if (connects_or_accepts()) return 3;
  if (::socket(AF_INET, SOCK_STREAM, 0) >= 0 || ::socket(AF_INET6, SOCK_DGRAM, 0) >= 0) return 4;
  if (cage.landlock > 0 && ::open("/etc/passwd", O_RDONLY) >= 0) return 5;
  if (sends()) return 6;
  if (cage.landlock > 0 && makes_shared_memory()) return 7;
  if (sends_keys_to_a_terminal() || ::ioctl(-1, 0x30000001, nullptr) == 0 || errno != EBADF) {
    return 8;
  }
  return 0;
}

int seen_in_cage_of_cpu() {
  const Cage cage = enter_cage(cage_rules(job_on("cpu")));
  if (!cage.seccomp) return 0;
  if (listens() || ::socket(AF_UNIX, SOCK_STREAM, 0) >= 0) return 1;
  if (cage.landlock > 0 && names_its_thread()) return 2;
  return 0;
}

TEST(CageDeathTest, OnAGpuTheDriverMayDoWhatItNeedsToStart) {
  EXPECT_EXIT(::_exit(seen_in_cage_of_gpu()), testing::ExitedWithCode(0), "");
}

TEST(CageDeathTest, OnTheCpuNothingOfThat) {
  EXPECT_EXIT(::_exit(seen_in_cage_of_cpu()), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace tsharness
