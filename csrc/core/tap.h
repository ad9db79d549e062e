#pragma once

#include <torch/csrc/jit/api/module.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/session.h"

namespace tsharness {

/// An operator of a method's graph that makes a tensor.
struct TapPoint {
  int64_t number;      ///< in the order of the graph, blocks before the node that holds them
  std::string op;      ///< "aten::conv2d"
  std::string source;  ///< "model.py:14" of the user's source, if the artifact keeps it
  std::string module;  ///< "encoder.layers.0" of the submodule that it stands in
};

/// Whether a node computes something, and whether a value is a tensor: such values are tapped.
bool is_tapped(const torch::jit::Node& node);
bool is_tensor(const torch::jit::Value& value);

/// A copy of a method's graph, calls inlined, that reports every tensor as it is made, in branches
/// and loops too as far as they run. It is interpreted as it stands: no fusion, no optimisation.
class TappedMethod {
 public:
  TappedMethod(const Session& session, const std::string& method);

  const std::vector<TapPoint>& points() const { return points_; }

  using Listener = std::function<void(const TapPoint& point, const at::Tensor& tensor)>;
  /// Runs the graph. Raises Error(Execution). The tensor may be written to later: who
  /// keeps it, copies it.
  c10::IValue run(const Session& session, const BoundCall& call, GradMode mode,
                  const Listener& listener) const;

 private:
  void tap(torch::jit::Block& block);

  std::string method_;
  std::shared_ptr<torch::jit::Graph> graph_;
  std::vector<TapPoint> points_;
};

}  // namespace tsharness
