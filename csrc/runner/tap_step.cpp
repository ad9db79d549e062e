#include <ATen/Context.h>

#include <map>

#include "core/devices.h"
#include "core/dtype.h"
#include "core/observe.h"
#include "core/tap.h"
#include "core/tensor_io.h"
#include "runner/steps.h"

namespace tsharness {

namespace {

/// What a step wants of the tensors, which are numbered in the order in which they are made.
struct TapRequest {
  std::map<int64_t, int64_t> pairs;  ///< this run's number to the number in `compare`
  std::string save;
  std::string compare;
};

TapRequest parse_request(const Json& step) {
  TapRequest request;
  request.save = step.value("save", std::string());
  request.compare = step.value("compare", std::string());
  for (const Json& pair : step.value("pairs", Json::array())) {
    request.pairs.emplace(pair.at(0).get<int64_t>(), pair.at(1).get<int64_t>());
  }
  return request;
}

/// Takes the tensors of one run as they come.
class Taps {
 public:
  Taps(const TapRequest& request, const TolerancePolicy& policy)
      : request_(request), policy_(policy) {
    if (!request.compare.empty()) {
      reader_ = std::make_unique<SafetensorsReader>(request.compare, 0, 0);
      nodes_ = Json::parse(reader_->metadata().at("taps"));
    }
  }

  void take(const TapPoint& point, const at::Tensor& tensor) {
    const int64_t number = count_++;
    const auto wanted = request_.pairs.find(number);
    if (request_.pairs.empty()) {
      list(point, tensor);
    } else if (wanted != request_.pairs.end() && reader_ == nullptr) {
      const at::Tensor copy = clone_exactly(tensor.detach().cpu(), at::kCPU);
      saved_[std::to_string(number)] = encode_tensor(copy, writer_);
    } else if (wanted != request_.pairs.end()) {
      compare(number, wanted->second, tensor);
    }
  }

  Json finish() {
    if (!request_.save.empty()) writer_.write(request_.save, {{"taps", saved_.dump()}});
    return found_;
  }

 private:
  void list(const TapPoint& point, const at::Tensor& tensor) {
    const auto nonfinite = find_nonfinite("", tensor);
    found_.push_back({{"point", point.number},
                      {"op", point.op},
                      {"source", point.source},
                      {"module", point.module},
                      {"shape", tensor.sizes().vec()},
                      {"dtype", dtype_of(tensor.scalar_type()).name},
                      {"bytes", tensor.numel() * static_cast<int64_t>(tensor.element_size())},
                      {"finite", nonfinite.empty()}});
  }

  void compare(int64_t number, int64_t other, const at::Tensor& tensor) {
    const at::Tensor expected = decode_tensor(nodes_.at(std::to_string(other)), *reader_);
    const auto compared = compare_values(tensor.detach().cpu(), expected, policy_);
    Json result = to_json(compared.front());
    result["number"] = number;
    found_.push_back(result);
  }

  const TapRequest& request_;
  const TolerancePolicy& policy_;
  std::unique_ptr<SafetensorsReader> reader_;
  Json nodes_;
  SafetensorsWriter writer_;
  Json saved_ = Json::object();
  Json found_ = Json::array();
  int64_t count_ = 0;
};

}  // namespace

void tap_step(const Json& step, JobState& state) {
  const auto name = step.at("case").get<std::string>();
  state.events.emit("step-begin", {{"step", "tap"}, {"case", name}});
  const PreparedCase one = prepare_case(state.case_file().find(name), step, state);
  Session& session = state.loaded();
  const Settings settings(step.value("settings", Json()));
  session.restore();
  at::manual_seed(state.job.seed);
  const auto last = step.value("call", size_t{0});
  for (size_t call = 0; call < last; ++call) session.run(one.inputs(call), settings.grad_mode());
  const TappedMethod tapped(session, one.bound(last).method);
  const TapRequest request = parse_request(step);
  const TolerancePolicy policy(step.value("tolerance", Json()), session.device().type());
  Taps taps(request, policy);
  tapped.run(session, one.inputs(last), settings.grad_mode(),
             [&](const TapPoint& point, const at::Tensor& tensor) { taps.take(point, tensor); });
  state.events.emit("result", {{"step", "tap"}, {"case", name}, {"taps", taps.finish()}});
}

}  // namespace tsharness
