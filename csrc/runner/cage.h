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
  bool may_listen = false;           ///< on local sockets, as a GPU's driver does
  int64_t file_bytes = 0;            ///< of a file that it writes; 0: no limit
  int64_t cpu_seconds = 0;           ///< of all its threads together; 0: no limit
};

/// What of it this kernel could do.
struct Cage {
  int landlock = 0;  ///< version of its interface; 0 if there is none
  bool seccomp = false;
  std::vector<std::string> missing;  ///< in words, what could not be done
  Json to_json() const;
};

/// Locks the process in, for good: no new privileges, no files but those, no sockets, no other
/// programs, no signals to others, no new processes, no core dumps. Threads that are started later
/// are in it too; it must be called while there is one.
Cage enter_cage(const CageRules& rules);

}  // namespace tsharness
