#pragma once

#include <vector>

#include "core/prepared_call.h"

namespace tsharness {

/// Whether a caller gives the model the same tensors again and again, which then lie in the
/// processor's cache, or takes turns among copies that together are larger than it.
enum class InputsMode { Same, Rotate };

/// Raises Error(Usage) for a name that there is not.
InputsMode inputs_mode_by_name(const std::string& name);

/// A case that one caller runs again and again, as a server's own loop does. Not for two threads at
/// once: each caller has its own. It is of no use once the session was restored.
class TimedCase {
 public:
  /// Of calls that were bound; their tensors are copied. Raises Error(Usage) or Error(Input).
  TimedCase(const Session& session, const std::vector<BoundCall>& calls,
            InputsMode inputs = InputsMode::Same);

  /// All calls of the case, in the grad mode of the calling thread; returns once the device has
  /// done its work. Raises Error(Execution).
  void run();
  /// The same without the wait.
  void enqueue();

  /// What the calls of the last run gave; valid until the next.
  const std::vector<c10::IValue>& outputs() const { return outputs_; }
  /// Of the calls of the first copy; a caller may write into their tensors.
  std::vector<c10::IValue> inputs() const;
  size_t calls() const { return copies_.front().size(); }
  size_t copies() const { return copies_.size(); }
  int64_t input_bytes() const { return input_bytes_; }  ///< of one copy

 private:
  const Session& session_;
  bool waits_;  ///< for a device that works by itself
  std::vector<std::vector<PreparedCall>> copies_;
  size_t next_ = 0;
  int64_t input_bytes_ = 0;
  std::vector<c10::IValue> outputs_;
};

/// Bytes of the last level of cache that a caller on that device has; a stated guess where the
/// system does not say.
int64_t cache_bytes(c10::Device device);

}  // namespace tsharness
