#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/json.h"

namespace tsharness {

/// What a process may still do once an artifact can run in it.
struct CageRules {
  std::vector<std::string>
      read;  ///< files, and folders with all below them; what is not there is left out
  std::vector<std::string> write;    ///< folders in which it may make, write and remove files
  std::vector<std::string> devices;  ///< device files that it may use, for a GPU
  std::vector<std::string> execute;  ///< programs that it may start; none: and no new processes
  bool gpu = false;                  ///< what a GPU's driver needs besides (system_calls.h)
  int64_t file_bytes = 0;            ///< of a file that it writes; 0: no limit
  int64_t cpu_seconds = 0;           ///< of all its threads together; 0: no limit
  /// Of its private memory; 0: no limit. Addresses that a driver reserves and nobody uses do not
  /// count.
  int64_t memory_bytes = 0;
};

/// What of it this kernel could do.
struct Cage {
  int landlock = 0;  ///< version of its interface; 0 if there is none
  bool seccomp = false;
  std::vector<std::string> missing;  ///< in words, what could not be done
  Json to_json() const;
  /// What `to_json` gave. Raises Json::exception.
  static Cage from_json(const Json& json);
};

/// Locks the process in, for good: no new privileges, no files but those, no system calls but those
/// of system_calls.h, no core dumps. Threads that are started later are in it too; it must be
/// called while there is one.
Cage enter_cage(const CageRules& rules);

/// As `enter_cage`, as the mode has it: "auto", "strict", "off" (its memory alone is limited).
/// Raises Error(Device) if it is "strict" and the kernel cannot do all of it.
Cage enter_cage(const CageRules& rules, const std::string& mode);

}  // namespace tsharness
