#pragma once

#include <cstdint>
#include <string>

#include "core/json.h"

namespace tsharness {

/// What keeps a process from its work, counted since some start; -1 where the system does not say.
struct Counters {
  int64_t minor_faults = 0;          ///< pages that had only to be mapped
  int64_t major_faults = 0;          ///< pages that had to be read
  int64_t voluntary_switches = 0;    ///< it waited
  int64_t involuntary_switches = 0;  ///< something else was let run instead
  double cpu_seconds = 0;            ///< of all its threads
  double throttled_seconds = -1;     ///< that its control group was stopped for
  double stolen_seconds = -1;        ///< that a hypervisor gave to others, on all processors
  double waited_seconds = -1;        ///< that runnable tasks of the machine waited for a processor
  double joules = -1;                ///< that the processors took (RAPL)
  double mhz = -1;                   ///< of the processor that the thread runs on, now

  /// Reads them. `root` stands for the folder `/`; tests replace it.
  static Counters now(const std::string& root = "/");

  /// What was added since `before`; `mhz` stays what it is.
  Counters since(const Counters& before) const;
  Json to_json() const;
};

}  // namespace tsharness
