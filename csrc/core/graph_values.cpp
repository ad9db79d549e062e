#include "core/graph_values.h"

#include <set>

namespace tsharness {

using c10::IValue;
using torch::jit::Node;
using torch::jit::Value;

std::string operator_name(const Node& node) { return node.kind().toQualString(); }

c10::optional<IValue> resolve(const Value* value, const IValue& self, const Value* self_value) {
  if (value == self_value) return self;
  const Node* node = value->node();
  const std::string op = operator_name(*node);
  if (op == "prim::Constant") return torch::jit::toIValue(value);
  if (op == "prim::GetAttr") {
    const auto object = resolve(node->input(), self, self_value);
    if (!object || !object->isObject()) return {};
    return object->toObjectRef().getAttr(node->s(c10::attr::name));
  }
  if (op == "aten::t" || op == "aten::detach" || op == "aten::to") {
    auto inner = resolve(node->input(0), self, self_value);
    if (!inner || !inner->isTensor()) return {};
    return op == "aten::t" ? IValue(inner->toTensor().t()) : *inner;
  }
  return {};
}

bool keeps_dims(const std::string& op) {
  static const std::set<std::string> known = {"aten::to",
                                              "aten::contiguous",
                                              "aten::clone",
                                              "aten::detach",
                                              "aten::dropout",
                                              "aten::feature_dropout",
                                              "aten::float",
                                              "aten::type_as",
                                              "aten::relu",
                                              "aten::gelu",
                                              "aten::tanh",
                                              "aten::sigmoid",
                                              "aten::mul",
                                              "aten::div",
                                              "aten::sub",
                                              "aten::add",
                                              "aten::rsub",
                                              "aten::abs",
                                              "aten::log",
                                              "aten::exp",
                                              "aten::clamp",
                                              "aten::neg",
                                              "aten::pow",
                                              "prim::unchecked_cast",
                                              "aten::constant_pad_nd",
                                              "aten::pad",
                                              "aten::half",
                                              "aten::alias",
                                              "prim::data",
                                              "aten::silu"};
  return known.count(op) > 0;
}

}  // namespace tsharness
