#include "core/clock.h"
#include "core/device_timer.h"
#include "core/walk.h"
#include "runner/samples_file.h"
#include "runner/timed_run.h"

namespace tsharness {

namespace {

using Tensors = std::vector<at::Tensor>;

void collect(const c10::IValue& value, Tensors& found) {
  ValueVisitor visitor;
  visitor.tensor = [&](const std::string&, const at::Tensor& tensor) { found.push_back(tensor); };
  walk_value("", value, visitor);
}

/// In memory that a device can copy from and to by itself.
Tensors pinned_like(const Tensors& tensors) {
  Tensors found;
  for (const at::Tensor& one : tensors) {
    found.push_back(at::empty_like(one, one.options().device(at::kCPU).pinned_memory(true)));
  }
  return found;
}

bool same_shapes(const Tensors& left, const Tensors& right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](const at::Tensor& a, const at::Tensor& b) {
                      return a.sizes() == b.sizes() && a.dtype() == b.dtype();
                    });
}

void copy(const Tensors& from, const Tensors& to) {
  for (size_t i = 0; i < from.size(); ++i) to[i].copy_(from[i], /*non_blocking=*/true);
}

/// A call as a server makes it on an accelerator: inputs from the host, outputs back to it. The
/// device's own clock times the parts.
class SplitCall {
 public:
  static constexpr int64_t kColumns = 5;

  SplitCall(TimedCase& timed, const Session& session)
      : timed_(timed), session_(session), timer_(session.device(), kPoints) {
    for (const c10::IValue& value : timed.inputs()) collect(value, inputs_);
    host_inputs_ = pinned_like(inputs_);
    copy(inputs_, host_inputs_);
    session.synchronize();
  }

  /// Seconds of the host's whole wait, of the copies to the device, of the host's enqueueing, of
  /// the device's work, and of the copies from the device.
  std::vector<double> once() {
    const double computing = compute();
    const double start = now_seconds();
    timer_.mark(0);
    copy(host_inputs_, inputs_);
    timer_.mark(1);
    const double before = now_seconds();
    timed_.enqueue();
    const double enqueued = now_seconds() - before;
    timer_.mark(2);
    take_outputs();
    timer_.mark(3);
    session_.synchronize();
    const double whole = now_seconds() - start;
    return {whole, timer_.seconds(0, 1), enqueued, computing, timer_.seconds(2, 3)};
  }

  /// Seconds a call of many that were enqueued without waiting, as the device saw them.
  double back_to_back(int64_t calls) {
    timer_.mark(0);
    for (int64_t i = 0; i < calls; ++i) timed_.enqueue();
    timer_.mark(1);
    session_.synchronize();
    return timer_.seconds(0, 1) / static_cast<double>(calls);
  }

 private:
  static constexpr size_t kPoints = 4;

  /// Of a call of its own, whose inputs are there, on an idle device. Behind copies, the host
  /// enqueues while the device still copies: a call that takes the host's time would look shorter.
  double compute() {
    timer_.mark(0);
    timed_.enqueue();
    timer_.mark(1);
    session_.synchronize();
    return timer_.seconds(0, 1);
  }

  void take_outputs() {
    Tensors outputs;
    for (const c10::IValue& value : timed_.outputs()) collect(value, outputs);
    // Outputs whose shapes depend on the data need other memory; that is then a part of the time.
    if (!same_shapes(outputs, host_outputs_)) host_outputs_ = pinned_like(outputs);
    copy(outputs, host_outputs_);
  }

  TimedCase& timed_;
  const Session& session_;
  DeviceTimer timer_;
  Tensors inputs_;
  Tensors host_inputs_;
  Tensors host_outputs_;
};

}  // namespace

void split_step(const Json& step, JobState& state) {
  const auto min_calls = step.value("min_calls", int64_t{30});
  const double seconds = step.value("min_seconds", 0.5);
  SamplesFile samples(step.value("samples", std::string()));
  for_each_case(step, state, [&](const Case& one) {
    TimedRun run(one, step, state);
    run.warm_up();
    SplitCall split(run.caller(), state.loaded());
    split.once();  // takes the memory for the outputs
    samples.begin(SplitCall::kColumns);
    const double end = now_seconds() + seconds;
    int64_t calls = 0;
    for (; calls < min_calls || now_seconds() < end; ++calls) samples.add(split.once());
    run.look();
    run.finish();
    Json event = run.to_json();
    event.update({{"step", "split"},
                  {"samples", samples.end()},
                  {"back_to_back_seconds", split.back_to_back(std::min<int64_t>(calls, 200))}});
    state.events.emit("result", event);
  });
}

}  // namespace tsharness
