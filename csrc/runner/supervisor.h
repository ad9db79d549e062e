#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/json.h"

namespace tsharness {

/// How a supervised process ended.
struct Ending {
  std::vector<Json> events;  ///< with "received": seconds of the steady clock
  std::string printed;       ///< the last of what it wrote to standard output and error
  int code = 0;              ///< its exit code; negative: the signal that ended it
  /// Why it was ended from outside, in the words of the protocol: "timeout" or "garbage"; empty if
  /// it was not.
  std::string problem;
  std::string message;  ///< of the problem

  /// True if it did all its work and said so.
  bool complete() const;
};

/// Has this executable do a job in a process of its own, in the folder `scratch`, and watches it:
/// `timeout` bounds, in seconds, each step and each case by itself. `environment` holds
/// "NAME=value". Raises Error(Usage) if it cannot be started.
Ending supervise(const Json& job, const std::string& scratch,
                 const std::vector<std::string>& environment, double timeout,
                 const std::function<void(const Json&)>& on_event);

}  // namespace tsharness
