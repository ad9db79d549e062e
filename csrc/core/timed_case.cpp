#include "core/timed_case.h"

#include <unistd.h>

#include <algorithm>

#include "core/error.h"
#include "core/walk.h"

namespace tsharness {

namespace {

constexpr int64_t kUnknownCache = int64_t{64} << 20;  // bytes; as large as those of today's GPUs
constexpr int64_t kMostCopies = 4096;
constexpr int64_t kMostBytes = int64_t{1} << 30;

int64_t bytes_of(const BoundCall& call) {
  int64_t bytes = 0;
  ValueVisitor visitor;
  visitor.tensor = [&](const std::string&, const at::Tensor& tensor) {
    bytes += static_cast<int64_t>(tensor.nbytes());
  };
  for (const c10::IValue& value : call.args) walk_value("", value, visitor);
  for (const auto& item : call.kwargs) walk_value("", item.second, visitor);
  return bytes;
}

/// So many that they are twice as large as the cache.
int64_t copies_for(InputsMode mode, int64_t bytes, c10::Device device) {
  if (mode == InputsMode::Same || bytes == 0) return 1;
  const int64_t wanted = 2 * cache_bytes(device) / bytes + 1;
  return std::clamp<int64_t>(wanted, 2,
                             std::max<int64_t>(2, std::min(kMostCopies, kMostBytes / bytes)));
}

}  // namespace

InputsMode inputs_mode_by_name(const std::string& name) {
  if (name == "same") return InputsMode::Same;
  if (name == "rotate") return InputsMode::Rotate;
  throw Error(ErrorKind::Usage, "inputs '" + name + "'; there are: same, rotate");
}

int64_t cache_bytes(c10::Device device) {
  if (!device.is_cpu()) return kUnknownCache;
  const int64_t last = ::sysconf(_SC_LEVEL3_CACHE_SIZE);
  return last > 0 ? last : kUnknownCache;
}

TimedCase::TimedCase(const Session& session, const std::vector<BoundCall>& calls, InputsMode inputs)
    : session_(session), waits_(!session.device().is_cpu()) {
  for (const BoundCall& call : calls) input_bytes_ += bytes_of(call);
  const int64_t copies = copies_for(inputs, input_bytes_, session.device());
  for (int64_t i = 0; i < copies; ++i) {
    copies_.emplace_back();
    for (const BoundCall& call : calls) {
      copies_.back().emplace_back(session, call.clone(session.device()));
    }
  }
  outputs_.resize(calls.size());
}

std::vector<c10::IValue> TimedCase::inputs() const {
  std::vector<c10::IValue> found;
  for (const PreparedCall& call : copies_.front()) {
    found.insert(found.end(), call.arguments().begin(), call.arguments().end());
  }
  return found;
}

void TimedCase::enqueue() {
  const std::vector<PreparedCall>& calls = copies_[next_];
  try {
    for (size_t i = 0; i < calls.size(); ++i) {
      // A server that has answered lets go of the answer before it takes the next request.
      outputs_[i] = c10::IValue();
      outputs_[i] = calls[i]();
    }
  } catch (...) {
    throw current_error(ErrorKind::Execution);
  }
  next_ = next_ + 1 == copies_.size() ? 0 : next_ + 1;
}

void TimedCase::run() {
  enqueue();
  if (waits_) session_.synchronize();
}

}  // namespace tsharness
