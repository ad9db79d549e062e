#pragma once

#include <torch/csrc/jit/api/module.h>

#include <string>
#include <vector>

#include "core/session.h"

namespace tsharness {

/// The end of a method's graph up to one operator, as a model of its own: what flows into it are
/// its arguments, weights too.
class Extract {
 public:
  /// `point`: of core/tap.h. An operator in a branch or loop is taken with the whole of it.
  /// `operators`: how many before it are taken along, itself included; at most all there are.
  /// Raises Error(Usage) for a point that there is not, or if an object would flow into it.
  Extract(const Session& session, const std::string& method, int64_t point, int64_t operators);

  /// The operators that were taken.
  int64_t operators() const { return operators_; }
  /// What flows into it in a run of the whole method with these arguments.
  std::vector<c10::IValue> inputs(const Session& session, const BoundCall& call,
                                  GradMode mode) const;
  /// What the last operator gives in such a run.
  c10::IValue outputs(const Session& session, const BoundCall& call, GradMode mode) const;
  torch::jit::Module module() const;

 private:
  std::shared_ptr<torch::jit::Graph> up_to(size_t node,
                                           const std::vector<torch::jit::Value*>& outputs) const;
  c10::IValue interpret(const std::shared_ptr<torch::jit::Graph>& graph, const Session& session,
                        const BoundCall& call, GradMode mode) const;

  std::string method_;
  std::shared_ptr<torch::jit::Graph> graph_;
  size_t first_ = 0;  ///< top-level nodes, by their order
  size_t last_ = 0;
  int64_t operators_ = 0;
  std::vector<torch::jit::Value*> entering_;  ///< of `graph_`
};

}  // namespace tsharness
