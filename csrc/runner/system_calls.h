#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/json.h"

namespace tsharness {

/// What an argument of a system call must be: its bits under `mask` are one of `values`, or none of
/// them if `refused`. Of a mask of more than 32 bits there is one value.
struct ArgumentTest {
  unsigned argument;
  uint64_t mask;
  std::vector<uint64_t> values;
  bool refused = false;
};

/// In a test's values: the number of the process that enters the cage.
constexpr uint64_t kOwnPid = 0xffffffffffffffff;

/// A system call that is allowed if all tests hold.
struct AllowedCall {
  uint32_t number;
  const char* name;
  std::vector<ArgumentTest> tests = {};
};

/// Who needs a group of calls.
enum class Needs { Always, Gpu, Programs };

/// Calls that are allowed for one purpose.
struct AllowedGroup {
  Needs needs;
  const char* purpose;  ///< in words
  const char* limits;   ///< what the tests say, in words; empty if there are none
  std::vector<AllowedCall> calls;
  bool pretended = false;  ///< they do nothing, and say that they did
};

/// The list of what the cage allows. All other calls fail with EPERM, those that libc tries before
/// older ones with ENOSYS.
const std::vector<AllowedGroup>& allowed_calls();

/// From this number on, calls are newer than this list: ENOSYS, as on an older kernel.
constexpr uint32_t kFirstUnknownCall = 470;

/// The list as JSON: [{"needs", "purpose", "limits", "pretended", "calls": [{"name", "number",
/// "tests": [{"argument", "mask", "values", "refused"}]}]}]; the value "own" is the process's
/// number.
Json describe_allowed_calls();

}  // namespace tsharness
