#include "core/operator_profile.h"

#include <torch/csrc/autograd/profiler_kineto.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "core/compat.h"
#include "core/error.h"
#include "core/operator_work.h"

namespace tsharness {

namespace {

namespace profiler = torch::autograd::profiler;
using torch::profiler::impl::ActivityType;
using Event = profiler::KinetoEvent;

bool on_host(const Event& event) { return event.deviceType() == c10::DeviceType::CPU; }

/// Operators as the dispatcher names them; the profiler has marks of its own besides.
bool is_operator(const Event& event) {
  return on_host(event) && event.name().find("::") != std::string::npos;
}

/// Those that contain others stand before them.
bool begins_before(const Event* a, const Event* b) {
  return std::make_tuple(start_seconds(*a), -duration_seconds(*a)) <
         std::make_tuple(start_seconds(*b), -duration_seconds(*b));
}

/// Seconds of each event without those that it contains. Events of a thread are nested.
std::map<const Event*, double> self_seconds(const std::vector<const Event*>& ordered) {
  std::map<const Event*, double> seconds;
  std::map<uint64_t, std::vector<const Event*>> open_by_thread;
  for (const Event* event : ordered) {
    auto& open = open_by_thread[event->startThreadId()];
    const double start = start_seconds(*event);
    while (!open.empty() && start_seconds(*open.back()) + duration_seconds(*open.back()) <= start) {
      open.pop_back();
    }
    seconds[event] = duration_seconds(*event);
    if (!open.empty()) seconds[open.back()] -= duration_seconds(*event);
    open.push_back(event);
  }
  return seconds;
}

/// Of the events of several rounds, the operator's own work: the rounds call the same operators in
/// the same order.
class Works {
 public:
  explicit Works(OperatorWorks found) : found_(std::move(found)) {}

  OperatorWork next(const std::string& name, const std::string& shapes) {
    const auto works = found_.find({name, shapes});
    if (works == found_.end()) return {};
    return works->second[seen_[works->first]++ % works->second.size()];
  }

 private:
  OperatorWorks found_;
  std::map<std::pair<std::string, std::string>, size_t> seen_;
};

std::unique_ptr<profiler::ProfilerResult> recorded(const std::function<void()>& call,
                                                   int64_t rounds, bool on_accelerator) {
  const torch::profiler::impl::ProfilerConfig config(
      torch::profiler::impl::ProfilerState::KINETO, /*report_input_shapes=*/true,
      /*profile_memory=*/false, /*with_stack=*/true, /*with_flops=*/false, /*with_modules=*/false);
  std::set<ActivityType> activities = {ActivityType::CPU};
  if (on_accelerator) activities.insert(ActivityType::CUDA);
  profiler::prepareProfiler(config, activities);
  profiler::enableProfiler(config, activities, {at::RecordScope::FUNCTION});
  try {
    for (int64_t i = 0; i < rounds; ++i) call();
  } catch (...) {
    profiler::disableProfiler();
    throw;
  }
  return profiler::disableProfiler();
}

}  // namespace

std::vector<OperatorTotal> profile_operators(const std::function<void()>& call, int64_t rounds,
                                             bool on_accelerator, const std::string& trace) {
  const auto result =
      translating_errors(ErrorKind::Usage, [&] { return recorded(call, rounds, on_accelerator); });
  Works works(operator_works(call));
  std::vector<const Event*> operators;
  std::map<uint64_t, double> kernels;  // seconds by the number of the operator
  for (const Event& event : result->events()) {
    if (is_operator(event)) operators.push_back(&event);
    if (!on_host(event)) kernels[event.linkedCorrelationId()] += duration_seconds(event);
  }
  std::sort(operators.begin(), operators.end(), begins_before);
  const auto self = self_seconds(operators);
  std::map<std::tuple<std::string, std::string, std::string>, OperatorTotal> totals;
  for (const Event* event : operators) {
    const std::string shapes = shapes_text({event->shapes().begin(), event->shapes().end()});
    const OperatorWork work = works.next(event->name(), shapes);
    OperatorTotal& total = totals[{event->name(), shapes, work.where}];
    total.name = event->name();
    total.shapes = shapes;
    total.where = work.where;
    total.calls += 1;
    total.seconds += self.at(event);
    const auto started = kernels.find(event->correlationId());
    if (started != kernels.end()) total.device_seconds += started->second;
    total.flops += work.flops;
    total.bytes += work.bytes;
  }
  std::vector<OperatorTotal> sorted;
  for (const auto& item : totals) sorted.push_back(item.second);
  std::sort(sorted.begin(), sorted.end(), [](const OperatorTotal& a, const OperatorTotal& b) {
    return std::max(a.seconds, a.device_seconds) > std::max(b.seconds, b.device_seconds);
  });
  if (!trace.empty()) translating_errors(ErrorKind::Usage, [&] { result->save(trace); });
  return sorted;
}

Json to_json(const OperatorTotal& total) {
  return {{"name", total.name},       {"shapes", total.shapes},
          {"where", total.where},     {"calls", total.calls},
          {"seconds", total.seconds}, {"device_seconds", total.device_seconds},
          {"flops", total.flops},     {"bytes", total.bytes}};
}

}  // namespace tsharness
