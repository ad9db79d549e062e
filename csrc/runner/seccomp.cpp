#include "runner/seccomp.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "runner/system_calls.h"

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
constexpr uint32_t kClone3 = 435;

constexpr uint32_t kFail = SECCOMP_RET_ERRNO | EPERM;
constexpr uint32_t kPretend = SECCOMP_RET_ERRNO;
constexpr uint32_t kUnknown = SECCOMP_RET_ERRNO | ENOSYS;

using Code = std::vector<sock_filter>;

sock_filter give(uint32_t result) { return BPF_STMT(BPF_RET | BPF_K, result); }
sock_filter load(size_t offset) {
  return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset));
}
sock_filter jump(uint16_t test, uint32_t value, size_t if_true, size_t if_false) {
  return BPF_JUMP(static_cast<uint16_t>(BPF_JMP | test | BPF_K), value,
                  static_cast<uint8_t>(if_true), static_cast<uint8_t>(if_false));
}
void append(Code& code, const Code& more) { code.insert(code.end(), more.begin(), more.end()); }

/// Goes on behind itself if one half of an argument passes, else `otherwise` instructions further.
Code half_test(const ArgumentTest& test, unsigned half, size_t otherwise) {
  const auto part = [&](uint64_t value) { return static_cast<uint32_t>(value >> (32 * half)); };
  Code code = {load(offsetof(seccomp_data, args) + 8 * test.argument + 4 * half),
               BPF_STMT(BPF_ALU | BPF_AND | BPF_K, part(test.mask))};
  const size_t count = test.values.size();
  for (size_t i = 0; i < count; ++i) {
    // The last instruction leaves; a value that is refused goes there, another one behind it.
    const size_t to_leave = count - 1 - i, behind = count - i;
    const bool last = i + 1 == count;
    code.push_back(test.refused ? jump(BPF_JEQ, part(test.values[i]), to_leave, last ? 1 : 0)
                                : jump(BPF_JEQ, part(test.values[i]), behind, 0));
  }
  code.push_back(BPF_STMT(BPF_JMP | BPF_JA, static_cast<uint32_t>(otherwise)));
  return code;
}

Code argument_test(const ArgumentTest& test, size_t otherwise) {
  if (test.mask >> 32 == 0) return half_test(test, 0, otherwise);
  const Code high = half_test(test, 1, otherwise);
  Code code = half_test(test, 0, otherwise + high.size());
  append(code, high);
  return code;
}

/// Allows the call if all tests hold; else it goes on behind itself.
Code allow_if(const std::vector<ArgumentTest>& tests) {
  Code code = {give(SECCOMP_RET_ALLOW)};
  for (auto test = tests.rbegin(); test != tests.rend(); ++test) {
    Code longer = argument_test(*test, code.size());
    append(longer, code);
    code = longer;
  }
  return code;
}

bool is_needed(Needs needs, const CageRules& rules) {
  return needs == Needs::Always || (needs == Needs::Gpu && rules.gpu) ||
         (needs == Needs::Programs && !rules.execute.empty());
}

std::vector<ArgumentTest> with_own_pid(std::vector<ArgumentTest> tests) {
  const auto own = static_cast<uint32_t>(::getpid());
  for (ArgumentTest& test : tests) {
    for (uint64_t& value : test.values) value = value == kOwnPid ? own : value;
  }
  return tests;
}

/// Numbers that are allowed whatever their arguments, and the code for the others.
struct Chosen {
  std::set<uint32_t> plain;
  std::set<uint32_t> pretended;
  std::map<uint32_t, Code> tested;
};

Chosen chosen_calls(const CageRules& rules) {
  Chosen chosen;
  for (const AllowedGroup& group : allowed_calls()) {
    if (!is_needed(group.needs, rules)) continue;
    for (const AllowedCall& call : group.calls) {
      if (group.pretended) {
        chosen.pretended.insert(call.number);
      } else if (call.tests.empty()) {
        chosen.plain.insert(call.number);
      } else {
        append(chosen.tested[call.number], allow_if(with_own_pid(call.tests)));
      }
    }
  }
  return chosen;
}

/// Neighbours share a comparison.
Code allow_all(const std::set<uint32_t>& numbers) {
  Code code;
  for (auto first = numbers.begin(); first != numbers.end();) {
    auto next = first;
    uint32_t last = *first;
    for (++next; next != numbers.end() && *next == last + 1; ++next) last = *next;
    append(code, {jump(BPF_JGE, *first, 0, 2), jump(BPF_JGT, last, 1, 0), give(SECCOMP_RET_ALLOW)});
    first = next;
  }
  return code;
}

Code filter(const CageRules& rules) {
  Code code = {load(offsetof(seccomp_data, arch)), jump(BPF_JEQ, kArchitecture, 1, 0),
               give(SECCOMP_RET_KILL_PROCESS),     load(offsetof(seccomp_data, nr)),
               jump(BPF_JGE, kOtherAbi, 0, 1),     give(SECCOMP_RET_KILL_PROCESS)};
  const Chosen chosen = chosen_calls(rules);
  append(code, allow_all(chosen.plain));
  for (const uint32_t number : chosen.pretended) {
    append(code, {jump(BPF_JEQ, number, 0, 1), give(kPretend)});
  }
  for (const auto& [number, tests] : chosen.tested) {
    code.push_back(jump(BPF_JEQ, number, 1, 0));
    code.push_back(BPF_STMT(BPF_JMP | BPF_JA, static_cast<uint32_t>(tests.size() + 1)));
    append(code, tests);
    code.push_back(give(kFail));
  }
  // The flags of clone3 lie in memory, where no filter sees them; without it libc uses clone.
  append(code, {jump(BPF_JEQ, kClone3, 0, 1), give(kUnknown),
                jump(BPF_JGE, kFirstUnknownCall, 0, 1), give(kUnknown), give(kFail)});
  return code;
}

}  // namespace

bool enter_seccomp(const CageRules& rules) {
  Code code = filter(rules);
  const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0;
}

#else

bool enter_seccomp(const CageRules&) { return false; }

#endif

}  // namespace tsharness
