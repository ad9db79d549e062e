#include "runner/cage.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>

#include "core/error.h"
#include "runner/landlock.h"
#include "runner/seccomp.h"

namespace tsharness {

namespace {

void limit(int what, int64_t value) {
  rlimit current{};
  ::getrlimit(static_cast<__rlimit_resource>(what), &current);
  const auto wanted = std::min<rlim_t>(static_cast<rlim_t>(value), current.rlim_max);
  const rlimit lowered{wanted, wanted};
  ::setrlimit(static_cast<__rlimit_resource>(what), &lowered);
}

bool has_one_thread() {
  std::error_code none;
  const std::filesystem::directory_iterator threads("/proc/self/task", none);
  return !none && std::distance(threads, {}) == 1;
}

}  // namespace

Json Cage::to_json() const {
  return {{"landlock", landlock}, {"seccomp", seccomp}, {"missing", missing}};
}

Cage Cage::from_json(const Json& json) {
  return {json.at("landlock").get<int>(), json.at("seccomp").get<bool>(),
          json.at("missing").get<std::vector<std::string>>()};
}

Cage enter_cage(const CageRules& rules) {
  Cage cage;
  limit(RLIMIT_CORE, 0);
  if (rules.file_bytes > 0) limit(RLIMIT_FSIZE, rules.file_bytes);
  if (rules.cpu_seconds > 0) limit(RLIMIT_CPU, rules.cpu_seconds);
  if (!has_one_thread()) cage.missing.push_back("threads were running before it");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    cage.missing.push_back("no_new_privs is refused");
    return cage;  // the kernel lets nobody in without it
  }
  cage.landlock = enter_landlock(rules);
  if (cage.landlock == 0) cage.missing.push_back("no Landlock: files are not kept from it");
  cage.seccomp = enter_seccomp(rules);
  if (!cage.seccomp)
    cage.missing.push_back("no seccomp filter: sockets and programs are open to it");
  return cage;
}

Cage enter_cage(const CageRules& rules, const std::string& mode) {
  if (rules.memory_bytes > 0) limit(RLIMIT_DATA, rules.memory_bytes);
  if (mode == "off") return {0, false, {"--sandbox off"}};
  const Cage cage = enter_cage(rules);
  if (mode == "strict" && !cage.missing.empty()) {
    throw Error(ErrorKind::Device, "--sandbox strict: " + cage.missing.front() +
                                       "; use --sandbox auto to run with what there is");
  }
  return cage;
}

}  // namespace tsharness
