#include "runner/landlock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/descriptor.h"

namespace tsharness {

namespace {

// The kernel's own numbers: older systems have older headers than kernels, or none at all.
constexpr long kCreateRuleset = 444;
constexpr long kAddRule = 445;
constexpr long kRestrictSelf = 446;
constexpr unsigned kAskVersion = 1;
constexpr int kPathBeneath = 1;

constexpr uint64_t kExecute = 1 << 0;
constexpr uint64_t kWriteFile = 1 << 1;
constexpr uint64_t kReadFile = 1 << 2;
constexpr uint64_t kReadDir = 1 << 3;
constexpr uint64_t kRemoveDir = 1 << 4;
constexpr uint64_t kRemoveFile = 1 << 5;
constexpr uint64_t kMakeDir = 1 << 7;
constexpr uint64_t kMakeRegular = 1 << 8;
constexpr uint64_t kRefer = 1 << 13;  // renaming from folder to folder
constexpr uint64_t kTruncate = 1 << 14;
constexpr uint64_t kIoctlDevice = 1 << 15;

struct Ruleset {
  uint64_t files;
  uint64_t network;  ///< from version 4 on: binding and connecting TCP sockets
  uint64_t scoped;   ///< from version 6 on: abstract sockets and signals to processes outside
};

struct __attribute__((packed)) PathBeneath {
  uint64_t allowed;
  int32_t parent;
};

/// Rights over files that a version of the interface knows: each one bit more than the last.
uint64_t all_rights(int version) {
  const int bits = version >= 5 ? 16 : version >= 3 ? 15 : version == 2 ? 14 : 13;
  return (uint64_t{1} << bits) - 1;
}

size_t ruleset_size(int version) {
  return version >= 6 ? sizeof(Ruleset) : version >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
}

bool allow(int ruleset, const std::string& path, uint64_t rights) {
  const Descriptor place(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (place.get() < 0) return true;  // not there: there is nothing to allow
  struct stat status{};
  if (::fstat(place.get(), &status) != 0) return false;
  if (!S_ISDIR(status.st_mode))
    rights &= kExecute | kWriteFile | kReadFile | kTruncate | kIoctlDevice;
  const PathBeneath rule{rights, place.get()};
  return ::syscall(kAddRule, ruleset, kPathBeneath, &rule, 0) == 0;
}

}  // namespace

int enter_landlock(const CageRules& rules) {
  const auto version = static_cast<int>(::syscall(kCreateRuleset, nullptr, size_t{0}, kAskVersion));
  if (version < 1) return 0;
  const uint64_t all = all_rights(version);
  const Ruleset handled{all, version >= 4 ? uint64_t{3} : 0, version >= 6 ? uint64_t{3} : 0};
  const Descriptor ruleset(
      static_cast<int>(::syscall(kCreateRuleset, &handled, ruleset_size(version), 0)));
  if (ruleset.get() < 0) return 0;
  const uint64_t read = kReadFile | kReadDir;
  const uint64_t write = (read | kWriteFile | kRemoveDir | kRemoveFile | kMakeDir | kMakeRegular |
                          kRefer | kTruncate) &
                         all;
  const uint64_t use = (kReadFile | kWriteFile | kIoctlDevice) & all;
  bool allowed = true;
  for (const auto& path : rules.read) allowed = allow(ruleset.get(), path, read) && allowed;
  for (const auto& path : rules.write) allowed = allow(ruleset.get(), path, write) && allowed;
  for (const auto& path : rules.devices) allowed = allow(ruleset.get(), path, use) && allowed;
  for (const auto& path : rules.execute) {
    allowed = allow(ruleset.get(), path, kExecute | kReadFile) && allowed;
  }
  if (!allowed || ::syscall(kRestrictSelf, ruleset.get(), 0) != 0) return 0;
  return version;
}

}  // namespace tsharness
