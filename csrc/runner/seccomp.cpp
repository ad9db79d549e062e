#include "runner/seccomp.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tsharness {

#if defined(__x86_64__) || defined(__aarch64__)

namespace {

#if defined(__x86_64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_X86_64;
constexpr uint32_t kOtherAbi = 0x40000000;  // x32: other numbers for the same calls
#else
constexpr uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
constexpr uint32_t kOtherAbi = 0xffffffff;
#endif

constexpr uint32_t kFail = SECCOMP_RET_ERRNO | EPERM;
constexpr uint32_t kUnknown = SECCOMP_RET_ERRNO | ENOSYS;

const uint32_t kDenied[] = {
#if defined(__x86_64__)
    SYS_fork,
    SYS_vfork,
#endif
    SYS_socketpair,
    SYS_connect,
    SYS_accept,
    SYS_accept4,
    SYS_execve,
    SYS_execveat,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_pidfd_send_signal,
    SYS_rt_sigqueueinfo,
    SYS_rt_tgsigqueueinfo,
    SYS_setns,
    SYS_unshare,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_kexec_load,
    SYS_reboot,
    SYS_swapon,
    SYS_swapoff,
    SYS_open_by_handle_at,
    SYS_shmget,
    SYS_msgget,
    SYS_semget,
    SYS_mq_open,
    425,  // io_uring_setup: what it does passes no filter
    426,  // io_uring_enter
    427,  // io_uring_register
};

const uint32_t kListening[] = {SYS_socket, SYS_bind, SYS_listen};

/// Instructions of the filter. Each test skips the instruction behind it unless it applies.
class FilterProgram {
 public:
  void load(size_t offset) {
    code_.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset)));
  }
  void if_equal(uint32_t value, uint32_t result) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
    give(result);
  }
  void unless_equal(uint32_t value, uint32_t result) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0));
    give(result);
  }
  void if_at_least(uint32_t value, uint32_t result) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, value, 0, 1));
    give(result);
  }
  /// For a call of that number, an argument (its lower half) must pass a test, else it fails.
  void require(uint32_t number, unsigned argument, uint16_t test, uint32_t value) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 4));
    load(offsetof(seccomp_data, args) + 8 * argument);
    code_.push_back(BPF_JUMP(static_cast<uint16_t>(BPF_JMP | test | BPF_K), value, 1, 0));
    give(kFail);
    give(SECCOMP_RET_ALLOW);
  }
  void give(uint32_t result) { code_.push_back(BPF_STMT(BPF_RET | BPF_K, result)); }

  bool install() {
    const sock_fprog program{static_cast<unsigned short>(code_.size()), code_.data()};
    return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) ==
           0;
  }

 private:
  std::vector<sock_filter> code_;
};

}  // namespace

bool enter_seccomp(bool may_listen) {
  const auto self = static_cast<uint32_t>(::getpid());
  FilterProgram program;
  program.load(offsetof(seccomp_data, arch));
  program.unless_equal(kArchitecture, SECCOMP_RET_KILL_PROCESS);
  program.load(offsetof(seccomp_data, nr));
  program.if_at_least(kOtherAbi, SECCOMP_RET_KILL_PROCESS);
  for (const uint32_t number : kDenied) program.if_equal(number, kFail);
  if (may_listen) {
    program.require(SYS_socket, 0, BPF_JEQ, AF_UNIX);
  } else {
    for (const uint32_t number : kListening) program.if_equal(number, kFail);
  }
  // The flags of clone3 lie in memory, where no filter sees them; without it libc uses clone.
  program.if_equal(SYS_clone3, kUnknown);
  program.require(SYS_clone, 0, BPF_JSET, CLONE_THREAD);
  for (const uint32_t number : {SYS_kill, SYS_tgkill}) program.require(number, 0, BPF_JEQ, self);
  program.if_equal(SYS_tkill, kFail);
  program.give(SECCOMP_RET_ALLOW);
  return program.install();
}

#else

bool enter_seccomp(bool) { return false; }

#endif

}  // namespace tsharness
