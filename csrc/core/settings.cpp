#include "core/settings.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/passes/tensorexpr_fuser.h>
#include <torch/csrc/jit/python/update_graph_executor_opt.h>
#include <torch/csrc/jit/runtime/graph_executor.h>

#include <map>

#include "core/error.h"

namespace tsharness {

namespace {

using Undo = std::function<void()>;

/// A switch that is read and written as a bool.
template <class Get, class Set>
std::function<Undo(const Json&)> flag(Get get, Set set) {
  return [get, set](const Json& value) -> Undo {
    const bool before = get();
    set(value.get<bool>());
    return [set, before] { set(before); };
  };
}

Undo set_threads(const Json& value) {
  const int before = at::get_num_threads();
  at::set_num_threads(value.get<int>());
  return [before] { at::set_num_threads(before); };
}

/// Once in a process, before its pool is first used.
Undo set_interop_threads(const Json& value) {
  at::set_num_interop_threads(value.get<int>());
  return [] {};
}

Undo set_flush_denormal(const Json& value) {
  if (!at::globalContext().setFlushDenormal(value.get<bool>())) {
    throw Error(ErrorKind::Device, "this processor cannot flush denormals");
  }
  return [] { at::globalContext().setFlushDenormal(false); };
}

/// [["STATIC", 2], ["DYNAMIC", 10]], as torch.jit.set_fusion_strategy has it.
Undo set_fusion_strategy(const Json& value) {
  torch::jit::FusionStrategy strategy;
  for (const Json& step : value) {
    const bool is_static = step.at(0).get<std::string>() == "STATIC";
    strategy.emplace_back(
        is_static ? torch::jit::FusionBehavior::STATIC : torch::jit::FusionBehavior::DYNAMIC,
        step.at(1).get<size_t>());
  }
  const auto before = torch::jit::setFusionStrategy(strategy);
  return [before] {
    auto again = before;
    torch::jit::setFusionStrategy(again);
  };
}

Undo set_matmul_precision(const Json& value) {
  static const char* const names[] = {"highest", "high", "medium"};
  auto& context = at::globalContext();
  const std::string before = names[static_cast<int>(context.float32MatmulPrecision())];
  context.setFloat32MatmulPrecision(value.get<std::string>());
  return [before] { at::globalContext().setFloat32MatmulPrecision(before); };
}

const std::map<std::string, std::function<Undo(const Json&)>>& switches() {
  auto& context = at::globalContext();
  static const std::map<std::string, std::function<Undo(const Json&)>> all = {
      {"threads", set_threads},
      {"interop_threads", set_interop_threads},
      {"flush_denormal", set_flush_denormal},
      {"fusion_strategy", set_fusion_strategy},
      {"float32_matmul_precision", set_matmul_precision},
      {"optimized_executor", flag([] { return torch::jit::getGraphExecutorOptimize(); },
                                  [](bool on) { torch::jit::setGraphExecutorOptimize(on); })},
      {"profiling_executor", flag([] { return torch::jit::getProfilingMode().load(); },
                                  [](bool on) { torch::jit::getProfilingMode() = on; })},
      {"tensor_expression_fuser", flag([] { return torch::jit::tensorExprFuserEnabled(); },
                                       [](bool on) { torch::jit::setTensorExprFuserEnabled(on); })},
      {"onednn", flag([&] { return context.userEnabledMkldnn(); },
                      [&](bool on) { context.setUserEnabledMkldnn(on); })},
      {"cudnn", flag([&] { return context.userEnabledCuDNN(); },
                     [&](bool on) { context.setUserEnabledCuDNN(on); })},
      {"cudnn_benchmark", flag([&] { return context.benchmarkCuDNN(); },
                               [&](bool on) { context.setBenchmarkCuDNN(on); })},
      {"cudnn_deterministic", flag([&] { return context.deterministicCuDNN(); },
                                   [&](bool on) { context.setDeterministicCuDNN(on); })},
      {"tf32", flag([&] { return context.allowTF32CuDNN(); },
                    [&](bool on) {
                      context.setAllowTF32CuDNN(on);
                      context.setAllowTF32CuBLAS(on);
                    })},
  };
  return all;
}

GradMode grad_mode_by_name(const std::string& name) {
  if (name == "no_grad") return GradMode::NoGrad;
  if (name == "inference") return GradMode::Inference;
  if (name == "grad") return GradMode::Grad;
  throw Error(ErrorKind::Usage, "grad_mode '" + name + "'; there are: no_grad, inference, grad");
}

}  // namespace

GradGuard::GradGuard(GradMode mode) : grad_(mode == GradMode::Grad) {
  // Not InferenceMode(false), which would switch autograd on.
  if (mode == GradMode::Inference) inference_.emplace();
}

Settings::Settings(const Json& json) {
  if (json.is_null()) return;
  for (const auto& item : json.items()) set(item.key(), item.value());
}

void Settings::set(const std::string& name, const Json& value) {
  if (name == "grad_mode") {
    grad_mode_ = grad_mode_by_name(value.get<std::string>());
    return;
  }
  const auto found = switches().find(name);
  if (found == switches().end()) {
    throw Error(ErrorKind::Usage, "there is no setting '" + name + "'");
  }
  undo_.push_back(translating_errors(ErrorKind::Usage, [&] { return found->second(value); }));
}

Settings::~Settings() {
  for (auto undo = undo_.rbegin(); undo != undo_.rend(); ++undo) (*undo)();
}

}  // namespace tsharness
