#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/counters.h"
#include "core/warmup.h"

namespace tsharness {

/// How long to measure: until both bounds are met.
struct MeasureOptions {
  int64_t min_calls = 30;
  double min_seconds = 1.0;
  double block_seconds = 0.05;    ///< between looks at the machine
  std::string system_root = "/";  ///< where `Counters` reads
  WarmUpOptions warmup = {};
};

/// Timed calls between two looks at the machine.
struct TimedBlock {
  CallBlock calls;
  double wall_seconds = 0;  ///< of the block, what recording took included
  double median = 0;        ///< seconds a call
  Counters counters;        ///< what was added in it
};

/// A warm-up and the blocks behind it.
struct Measured {
  WarmUp warmup;
  std::vector<TimedBlock> blocks;
  size_t transient = 0;  ///< blocks before the last change that the rule of ChangePoint sees
  bool steady = true;    ///< whether that rule may be believed: else the times still change

  int64_t calls() const;
};

/// {"warmup", "blocks", "transient_blocks", "steady"}
Json to_json(const Measured& measured);

/// Takes the seconds of the calls of a block, in their order; called between blocks.
using SampleSink = std::function<void(const std::vector<double>&)>;

/// Called between blocks, those of the warm-up too, untimed: first behind the first call of all.
using Pause = std::function<void()>;

/// Times each run of `call`, which must not return before its work is done. Nothing is left out. Of
/// the samples only one block's are in memory.
class Measurement {
 public:
  explicit Measurement(MeasureOptions options, Clock clock = {});

  Measured run(const std::function<void()>& call, const SampleSink& sink,
               const Pause& pause = {}) const;

 private:
  MeasureOptions options_;
  Clock clock_;  ///< of tests; empty: the real one, which costs no indirection
};

}  // namespace tsharness
