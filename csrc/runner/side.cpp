#include "runner/side.h"

#include <ATen/Context.h>

#include <algorithm>

#include "core/clock.h"
#include "core/compare.h"
#include "core/devices.h"
#include "core/process_info.h"
#include "core/value_tree.h"
#include "runner/loading.h"

namespace tsharness {

Side::Side(const Json& json, const Job& job)
    : settings_(json.value("settings", Json::object())),
      device_(available_device(json.value("device", job.device))) {
  const int64_t heap = heap_bytes();
  const Settings active(settings_);
  const double start = now_seconds();
  session_ = load_session(json.value("judged", job.judged), json.value("artifact", job.artifact),
                          device_, Cast(json.value("cast", Json())), json.value("kind", job.kind))
                 .session;
  session_->synchronize();
  load_seconds_ = now_seconds() - start;
  load_bytes_ = heap_bytes() - heap;
}

std::vector<c10::IValue> Side::prepare(const Case& one, const SafetensorsReader& tensors,
                                       uint64_t seed) {
  const Settings active(settings_);
  session_->restore();
  std::vector<BoundCall> calls;
  for (const Call& call : one.calls) calls.push_back(session_->bind(call, tensors));
  timed_ = std::make_unique<TimedCase>(*session_, calls);
  at::manual_seed(seed);
  const GradGuard guard(active.grad_mode());
  const double start = now_seconds();
  timed_->run();
  first_seconds_ = now_seconds() - start;
  std::vector<c10::IValue> outputs;
  for (size_t i = 0; i < one.calls.size(); ++i) {
    const c10::IValue like = decode_value(one.calls[i].outputs, tensors);
    outputs.push_back(clone_value(session_->arranged(timed_->outputs()[i], like), at::kCPU));
  }
  return outputs;
}

double Side::warm_up(const WarmUpOptions& options) {
  const Settings active(settings_);
  const GradGuard guard(active.grad_mode());
  return tsharness::warm_up([this] { timed_->run(); }, options).seconds_per_call();
}

double Side::block(int64_t times, bool again) {
  const Settings active(settings_);
  const GradGuard guard(active.grad_mode());
  if (again) timed_->run();
  const double start = now_seconds();
  for (int64_t i = 0; i < times; ++i) timed_->run();
  return (now_seconds() - start) / static_cast<double>(times);
}

Json Side::compare(const std::vector<c10::IValue>& actual, const std::vector<c10::IValue>& expected,
                   const Json& of_file, const Json& stated) const {
  const TolerancePolicy policy(of_file, stated, device_.type());
  Json compared = Json::array();
  for (size_t i = 0; i < actual.size(); ++i) {
    for (const auto& one : compare_values(actual[i], expected[i], policy)) {
      compared.push_back(tsharness::to_json(one));
    }
  }
  return compared;
}

Json Side::to_json() const {
  return {{"load_seconds", load_seconds_},
          {"load_bytes", load_bytes_},
          {"first_seconds", first_seconds_}};
}

int64_t calls_per_block(double block, double call) {
  return std::max<int64_t>(1, static_cast<int64_t>(block / std::max(call, 1e-9)));
}

}  // namespace tsharness
