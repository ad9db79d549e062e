// What layers say of their operands: those that have weights.

#include <set>

#include "core/dtype.h"
#include "core/graph_values.h"
#include "core/operator_hints.h"

namespace tsharness {

namespace {

using torch::jit::Node;
using torch::jit::Value;

std::string dtype_name(const at::Tensor& tensor) { return dtype_of(tensor.scalar_type()).name; }

bool starts_with(const std::string& text, const char* begin) { return text.rfind(begin, 0) == 0; }

bool is_recurrent(const std::string& op) {
  return op == "aten::lstm" || op == "aten::gru" || starts_with(op, "aten::rnn_");
}

}  // namespace

c10::optional<OperandHint> OperatorHints::of_layer(const Node& node, const std::string& op) const {
  if (starts_with(op, "aten::conv") || op == "aten::_convolution") return convolution(node, op);
  if (op == "aten::linear") return last_dim(node, "weight", 1);
  if (op == "aten::matmul" || op == "aten::mm") {
    return last_dim(node, op == "aten::mm" ? "mat2" : "other", 0);
  }
  if (op == "aten::layer_norm") return layer_norm(node);
  static const std::set<std::string> norms = {"aten::batch_norm", "aten::group_norm",
                                              "aten::instance_norm"};
  if (norms.count(op) > 0) return channels(node);
  return is_recurrent(op) ? recurrent(node) : Found();
}

c10::optional<OperandHint> OperatorHints::convolution(const Node& node,
                                                      const std::string& op) const {
  const auto weight = tensor(node, "weight");
  if (!weight || weight->dim() < 3) return {};
  const auto transposed = argument(node, "transposed");
  const bool turned = op.find("transpose") != std::string::npos ||
                      (transposed && transposed->isBool() && transposed->toBool());
  const int64_t groups = integer(node, "groups").value_or(1);
  Dims dims(static_cast<size_t>(weight->dim()), -1);
  dims[1] = turned ? weight->size(0) : weight->size(1) * groups;
  return OperandHint{op, dtype_name(*weight), dims, false, {{"kernel", weight->size(2)}}};
}

c10::optional<OperandHint> OperatorHints::last_dim(const Node& node, const char* name,
                                                   int64_t dim) const {
  const auto weight = tensor(node, name);
  if (!weight || weight->dim() != 2) return {};
  return OperandHint{operator_name(node), dtype_name(*weight), {weight->size(dim)}, true};
}

c10::optional<OperandHint> OperatorHints::layer_norm(const Node& node) const {
  const auto weight = tensor(node, "weight");
  if (!weight) return {};
  return OperandHint{operator_name(node), dtype_name(*weight), weight->sizes().vec(), true};
}

c10::optional<OperandHint> OperatorHints::channels(const Node& node) const {
  auto weight = tensor(node, "running_mean");
  if (!weight) weight = tensor(node, "weight");
  if (!weight) return {};
  return OperandHint{
      operator_name(node), dtype_name(*weight), {}, true, {{"channels", weight->size(0)}}};
}

/// The matrices of its first layers: an attribute that holds them all, or one after the other.
std::vector<at::Tensor> OperatorHints::recurrent_weights(const Node& node) const {
  std::vector<at::Tensor> weights;
  const auto keep = [&](const c10::optional<c10::IValue>& one) {
    if (one && one->isTensor() && one->toTensor().dim() == 2) weights.push_back(one->toTensor());
  };
  for (const Value* input : node.inputs()) {
    if (operator_name(*input->node()) == "prim::ListConstruct") {
      for (const Value* element : input->node()->inputs()) keep(value(element));
    } else if (const auto all = value(input); all && all->isTensorList()) {
      for (const at::Tensor& one : all->toTensorVector()) keep(c10::IValue(one));
    }
  }
  return weights;
}

c10::optional<OperandHint> OperatorHints::recurrent(const Node& node) const {
  const auto weights = recurrent_weights(node);
  if (weights.empty()) return {};
  return OperandHint{
      operator_name(node), dtype_name(weights[0]), {-1, -1, weights[0].size(1)}, false};
}

/// The state that a recurrent layer starts from, alone or with its cell's.
c10::optional<OperandHint> OperatorHints::recurrent_state(const Node& node, const std::string& op,
                                                          size_t offset) const {
  if (op == "prim::ListConstruct" && node.outputs().size() == 1) {
    for (const auto& use : node.output()->uses()) {
      if (operator_name(*use.user) == "aten::lstm") {
        return recurrent_state(*use.user, "aten::lstm", use.offset);
      }
    }
  }
  if (offset != 1 || !is_recurrent(op)) return {};
  const auto weights = recurrent_weights(node);
  const auto layers = integer(node, "num_layers");
  const auto both = argument(node, "bidirectional");
  if (weights.size() < 2 || !layers || !both || !both->isBool()) return {};
  const int64_t count = *layers * (both->toBool() ? 2 : 1);
  return OperandHint{op, dtype_name(weights[0]), {count, -1, weights[1].size(1)}, false};
}

}  // namespace tsharness
