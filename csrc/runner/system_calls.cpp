#include "runner/system_calls.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

// The kernel's own numbers: headers may be older than the kernel. From 403 on they are the same on
// all processors.
#ifndef SYS_rseq
#if defined(__x86_64__)
#define SYS_rseq 334
#else
#define SYS_rseq 293
#endif
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif

namespace tsharness {

namespace {

#define CALL(name) \
  AllowedCall { SYS_##name, #name }
#define CALL_IF(name, ...)             \
  AllowedCall {                        \
    SYS_##name, #name, { __VA_ARGS__ } \
  }

constexpr uint64_t kInt = 0xffffffff;
constexpr uint64_t kPointer = 0xffffffffffffffff;

constexpr uint64_t kNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                 CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
// Of terminals: size and settings, read alone; of all files: bytes that wait, and what happens at
// exec.
constexpr uint64_t kTcgets = 0x5401, kTiocgwinsz = 0x5413, kFionread = 0x541b, kFionclex = 0x5450,
                   kFioclex = 0x5451;
constexpr uint64_t kPrSetVma = 0x53564d41, kPrSveGetVl = 51;

const ArgumentTest kOwnOrZero{0, kInt, {0, kOwnPid}};
const ArgumentTest kOwn{0, kInt, {kOwnPid}};

std::vector<AllowedGroup> make_groups() {
  return {
      {Needs::Always,
       "memory",
       "",
       {CALL(brk), CALL(mmap), CALL(mprotect), CALL(mremap), CALL(munmap), CALL(madvise),
        CALL(mincore), CALL(msync), CALL(get_mempolicy), CALL(membarrier)}},
      {Needs::Always,
       "threads and waiting",
       "",
       {CALL(futex),
        CALL(gettid),
        CALL(set_tid_address),
        CALL(set_robust_list),
        CALL(rseq),
        CALL(sched_yield),
        CALL(sched_getaffinity),
        CALL(sched_getparam),
        CALL(sched_getscheduler),
        CALL(sched_get_priority_max),
        CALL(sched_get_priority_min),
        CALL(getcpu),
        CALL(exit),
        CALL(exit_group),
        CALL(ppoll),
        CALL(pselect6),
        CALL(epoll_create1),
        CALL(epoll_ctl),
        CALL(epoll_pwait),
        CALL(eventfd2),
        CALL(restart_syscall)}},
      {Needs::Always,
       "a new thread",
       "of this process, in its namespaces",
       {CALL_IF(clone, {0, CLONE_THREAD | kNamespaces, {CLONE_THREAD}})}},
      {Needs::Always,
       "signals, handling them",
       "",
       {CALL(rt_sigaction), CALL(rt_sigprocmask), CALL(rt_sigpending), CALL(rt_sigreturn),
        CALL(rt_sigsuspend), CALL(rt_sigtimedwait), CALL(sigaltstack)}},
      {Needs::Always,
       "signals, sending them",
       "to this process",
       {CALL_IF(kill, kOwn), CALL_IF(tgkill, kOwn)}},
      {Needs::Always,
       "the processors that it runs on",
       "of the calling thread, or of the process's first",
       {CALL_IF(sched_setaffinity, kOwnOrZero)}},
      {Needs::Always,
       "limits",
       "its own, reading them",
       {CALL_IF(prlimit64, kOwnOrZero, {2, kPointer, {0}}), CALL(getrlimit)}},
      {Needs::Always,
       "time",
       "",
       {CALL(clock_gettime), CALL(clock_getres), CALL(clock_nanosleep), CALL(nanosleep),
        CALL(gettimeofday), CALL(times)}},
      {Needs::Always,
       "open files",
       "",
       {CALL(read),       CALL(write),       CALL(readv),          CALL(writev),  CALL(pread64),
        CALL(pwrite64),   CALL(preadv),      CALL(pwritev),        CALL(preadv2), CALL(pwritev2),
        CALL(lseek),      CALL(close),       CALL(fstat),          CALL(fstatfs), CALL(ftruncate),
        CALL(fallocate),  CALL(fsync),       CALL(fdatasync),      CALL(flock),   CALL(fadvise64),
        CALL(readahead),  CALL(dup),         CALL(dup3),           CALL(pipe2),   CALL(sendfile),
        CALL(getdents64), CALL(close_range), CALL(copy_file_range)}},
      {Needs::Always,
       "flags and locks of open files",
       "no signals at their changes",
       {CALL_IF(fcntl, {1,
                        kInt,
                        {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK,
                         F_SETLK, F_SETLKW, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW}})}},
      {Needs::Always,
       "devices and terminals",
       "TCGETS, TIOCGWINSZ, FIONREAD, FIOCLEX, FIONCLEX",
       {CALL_IF(ioctl, {1, kInt, {kTcgets, kTiocgwinsz, kFionread, kFioclex, kFionclex}})}},
      {Needs::Always,
       "files by name (Landlock says which)",
       "",
       {CALL(openat), CALL(newfstatat), CALL(statx), CALL(statfs), CALL(faccessat),
        CALL(faccessat2), CALL(readlinkat), CALL(mkdirat), CALL(unlinkat), CALL(renameat),
        CALL(renameat2), CALL(getcwd), CALL(chdir), CALL(fchdir), CALL(umask)}},
      {Needs::Always,
       "what and who it is",
       "",
       {CALL(getpid), CALL(getppid), CALL(getuid), CALL(geteuid), CALL(getgid), CALL(getegid),
        CALL(getgroups), CALL(getresuid), CALL(getresgid), CALL(getpgid), CALL(getsid),
        CALL(getpriority), CALL(getrusage), CALL(capget), CALL(uname), CALL(sysinfo),
        CALL(getrandom)}},
      {Needs::Always,
       "names of threads and mappings, width of vectors",
       "PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_SET_VMA, PR_SVE_GET_VL",
       {CALL_IF(prctl,
                {0, kInt, {PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, kPrSetVma, kPrSveGetVl}})}},
#if defined(__x86_64__)
      {Needs::Always,
       "older names of these (x86-64)",
       "",
       {CALL(open),       CALL(stat),  CALL(lstat),   CALL(access),  CALL(readlink),
        CALL(mkdir),      CALL(rmdir), CALL(unlink),  CALL(rename),  CALL(getdents),
        CALL(dup2),       CALL(pipe),  CALL(poll),    CALL(select),  CALL(epoll_create),
        CALL(epoll_wait), CALL(time),  CALL(getpgrp), CALL(eventfd), CALL(arch_prctl)}},
#endif
      {Needs::Gpu,
       "local sockets, on which its driver listens when it starts",
       "AF_UNIX",
       {CALL_IF(socket, {0, kInt, {AF_UNIX}})}},
      {Needs::Gpu,
       "binding them, and listening: none can be accepted, connected to, or sent on",
       "",
       {CALL(bind), CALL(listen), CALL(getsockname), CALL(getsockopt), CALL(setsockopt)}},
      {Needs::Gpu,
       "its device files",
       "all but those of terminals",
       {CALL_IF(ioctl, {1, 0xff00, {0x5400}, true})}},
      {Needs::Gpu,
       "memory that stays where it is, and shared memory without a name",
       "",
       {CALL(mlock), CALL(mlock2), CALL(munlock), CALL(mbind), CALL(set_mempolicy),
        CALL(memfd_create)}},
      {Needs::Programs,
       "a compiler: starting programs (Landlock says which)",
       "",
       {CALL(execve), CALL(wait4), CALL(waitid)}},
      {Needs::Programs,
       "a compiler: permissions and times of files",
       "they do nothing, and say that they did",
       {CALL(fchmod), CALL(fchmodat), CALL(utimensat)},
       true},
      {Needs::Programs,
       "a compiler: new processes",
       "in its namespaces",
       {CALL_IF(clone, {0, kNamespaces, {0}})}},
#if defined(__x86_64__)
      {Needs::Programs, "older names of these (x86-64)", "", {CALL(fork), CALL(vfork)}},
      {Needs::Programs,
       "permissions, by an older name (x86-64)",
       "does nothing, and says that it did",
       {CALL(chmod)},
       true},
#endif
  };
}

const char* name_of(Needs needs) {
  switch (needs) {
    case Needs::Always:
      return "always";
    case Needs::Gpu:
      return "gpu";
    case Needs::Programs:
      return "programs";
  }
  return "";
}

Json to_json(const ArgumentTest& test) {
  Json values = Json::array();
  for (const uint64_t value : test.values) {
    values.push_back(value == kOwnPid ? Json("own") : Json(value));
  }
  return {{"argument", test.argument},
          {"mask", test.mask},
          {"values", values},
          {"refused", test.refused}};
}

Json to_json(const AllowedCall& call) {
  Json tests = Json::array();
  for (const ArgumentTest& test : call.tests) tests.push_back(to_json(test));
  return {{"name", call.name}, {"number", call.number}, {"tests", tests}};
}

}  // namespace

const std::vector<AllowedGroup>& allowed_calls() {
  static const std::vector<AllowedGroup> groups = make_groups();
  return groups;
}

Json describe_allowed_calls() {
  Json groups = Json::array();
  for (const AllowedGroup& group : allowed_calls()) {
    Json calls = Json::array();
    for (const AllowedCall& call : group.calls) calls.push_back(to_json(call));
    groups.push_back({{"needs", name_of(group.needs)},
                      {"purpose", group.purpose},
                      {"limits", group.limits},
                      {"pretended", group.pretended},
                      {"calls", calls}});
  }
  return groups;
}

}  // namespace tsharness
