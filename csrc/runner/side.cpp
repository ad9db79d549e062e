#include "runner/side.h"

#include <ATen/ATen.h>
#include <ATen/Context.h>

#include <algorithm>

#include "core/clock.h"
#include "core/compare.h"
#include "core/devices.h"
#include "core/process_info.h"
#include "core/value_tree.h"
#include "core/walk.h"
#include "runner/loading.h"

namespace tsharness {

namespace {

at::Tensor generator_state(c10::Device device) {
  return at::globalContext().defaultGenerator(device).get_state();
}

}  // namespace

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

const std::vector<c10::IValue>& Side::prepare(const Case& one, const SafetensorsReader& tensors,
                                              uint64_t seed) {
  const Settings active(settings_);
  session_->restore();
  seed_ = seed;
  calls_.clear();
  likes_.clear();
  for (const Call& call : one.calls) {
    calls_.push_back(session_->bind(call, tensors));
    likes_.push_back(clone_value(decode_value(call.outputs, tensors), at::kCPU));
  }
  timed_ = std::make_unique<TimedCase>(*session_, calls_);
  versions_ = input_versions();
  at::manual_seed(seed_);
  random_ = generator_state(device_);
  const GradGuard guard(active.grad_mode());
  const double start = now_seconds();
  timed_->run();
  first_seconds_ = now_seconds() - start;
  runs_ = 1;
  first_ = outputs_of(*timed_);
  return first_;
}

std::vector<c10::IValue> Side::outputs_of(const TimedCase& run) const {
  std::vector<c10::IValue> outputs;
  for (size_t i = 0; i < likes_.size(); ++i) {
    outputs.push_back(clone_value(session_->arranged(run.outputs()[i], likes_[i]), at::kCPU));
  }
  return outputs;
}

std::vector<c10::IValue> Side::run_once() {
  const Settings active(settings_);
  TimedCase fresh(*session_, calls_);
  at::manual_seed(seed_);
  const GradGuard guard(active.grad_mode());
  fresh.run();
  ++runs_;
  return outputs_of(fresh);
}

std::vector<c10::IValue> Side::timed_outputs() const {
  // A program whose state nobody can look at may write into its inputs unseen, too.
  const bool comparable = !session_->flat() && versions_ == input_versions() &&
                          at::equal(random_, generator_state(device_));
  return comparable ? outputs_of(*timed_) : std::vector<c10::IValue>();
}

bool Side::keeps_state() const { return session_->flat() || !session_->changed_state().empty(); }

void Side::catch_up(int64_t runs) {
  const Settings active(settings_);
  const GradGuard guard(active.grad_mode());
  for (; runs_ < runs; ++runs_) timed_->run();
}

void Side::restart() {
  session_->restore();
  timed_ = std::make_unique<TimedCase>(*session_, calls_);
  runs_ = 0;
}

double Side::warm_up(const WarmUpOptions& options) {
  const Settings active(settings_);
  const GradGuard guard(active.grad_mode());
  const WarmUp warm = tsharness::warm_up([this] { timed_->run(); }, options);
  runs_ += warm.calls();
  return seconds_per_run_ = warm.seconds_per_call();
}

double Side::block(int64_t times, bool again) {
  const Settings active(settings_);
  const GradGuard guard(active.grad_mode());
  if (again) timed_->run();
  const double start = now_seconds();
  for (int64_t i = 0; i < times; ++i) timed_->run();
  const double seconds = now_seconds() - start;
  runs_ += times + (again ? 1 : 0);
  return seconds / static_cast<double>(times);
}

std::vector<uint32_t> Side::input_versions() const {
  std::vector<uint32_t> found;
  ValueVisitor visitor;
  visitor.tensor = [&](const std::string&, const at::Tensor& tensor) {
    found.push_back(tensor.is_inference() ? 0 : tensor._version());
  };
  for (const c10::IValue& value : timed_->inputs()) walk_value("", value, visitor);
  return found;
}

TolerancePolicy Side::policy(const Json& of_file, const Json& stated) const {
  return {of_file, stated, device_.type()};
}

Json Side::compare(const std::vector<c10::IValue>& actual, const std::vector<c10::IValue>& expected,
                   const TolerancePolicy& policy) const {
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
