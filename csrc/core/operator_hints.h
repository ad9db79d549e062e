#pragma once

#include <torch/csrc/jit/api/module.h>

#include <string>
#include <vector>

#include "core/json.h"

namespace tsharness {

/// Dims of an operand; -1 is any size.
using Dims = std::vector<int64_t>;

/// What an operator says of an operand.
struct OperandHint {
  std::string op;
  std::string dtype;  ///< empty: it says nothing of it
  Dims dims;
  bool ellipsis = false;  ///< any number of dims may stand before `dims`
  Json more = Json::object();
};

/// Reads single operators of a graph, with the module's parameters, without running any.
class OperatorHints {
 public:
  OperatorHints(c10::IValue self, const torch::jit::Value* self_value)
      : self_(std::move(self)), self_value_(self_value) {}

  /// Of the operand at that place among the node's inputs; nothing if the operator takes anything.
  c10::optional<OperandHint> of(const torch::jit::Node& node, size_t offset) const;

  /// An input of an operator by its schema's name, if it is known without running.
  c10::optional<c10::IValue> argument(const torch::jit::Node& node, const char* name) const;
  c10::optional<at::Tensor> tensor(const torch::jit::Node& node, const char* name) const;
  c10::optional<int64_t> integer(const torch::jit::Node& node, const char* name) const;
  c10::optional<c10::IValue> value(const torch::jit::Value* value) const;

 private:
  using Found = c10::optional<OperandHint>;
  Found of_layer(const torch::jit::Node& node, const std::string& op) const;
  Found of_index(const torch::jit::Node& node, const std::string& op, size_t offset) const;
  Found of_scalar(const torch::jit::Node& node, const std::string& op) const;
  Found of_rank(const torch::jit::Node& node, const std::string& op) const;
  Found compared(const torch::jit::Node& node, const std::string& op, size_t offset) const;
  Found convolution(const torch::jit::Node& node, const std::string& op) const;
  Found last_dim(const torch::jit::Node& node, const char* name, int64_t dim) const;
  Found layer_norm(const torch::jit::Node& node) const;
  Found channels(const torch::jit::Node& node) const;
  std::vector<at::Tensor> recurrent_weights(const torch::jit::Node& node) const;
  Found recurrent(const torch::jit::Node& node) const;
  Found recurrent_state(const torch::jit::Node& node, const std::string& op, size_t offset) const;
  Found broadcast(const torch::jit::Node& node, size_t offset) const;

  c10::IValue self_;
  const torch::jit::Value* self_value_;
};

}  // namespace tsharness
