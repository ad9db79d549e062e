#include "core/infer.h"

#include <torch/csrc/jit/passes/inliner.h>

#include <deque>
#include <map>
#include <set>

#include "core/graph_values.h"
#include "core/operand_path.h"
#include "core/operator_hints.h"

namespace tsharness {

namespace {

using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Value;

constexpr size_t kMostValues = 64;  ///< followed from one argument
constexpr int kDeepest = 4;         ///< of containers in containers

/// A part of a container on its way out.
struct Part {
  Json key;
  std::vector<const Value*> values;
  bool tested = false;
};

class Parts {
 public:
  void add(const Json& key, const Value* value, bool tested) {
    const std::string name = key.dump();
    if (index_.emplace(name, parts_.size()).second) parts_.push_back({key, {}, false});
    Part& part = parts_[index_.at(name)];
    if (value != nullptr) part.values.push_back(value);
    part.tested = part.tested || tested;
  }
  const std::vector<Part>& all() const { return parts_; }

 private:
  std::vector<Part> parts_;
  std::map<std::string, size_t> index_;
};

class Inference {
 public:
  Inference(const torch::jit::Module& module, const std::string& method)
      : graph_(module.get_method(method).graph()->copy()),
        operators_(module._ivalue(), graph_->inputs().at(0)) {
    torch::jit::Inline(*graph_);
  }

  /// {"hints", "parts"} of the argument at that place; self is the first.
  Json of(size_t argument) const { return of_values({graph_->inputs().at(argument)}, 0); }

  std::vector<int64_t> sizes() const {
    std::set<int64_t> found;
    collect_sizes(*graph_->block(), found);
    return {found.begin(), found.end()};
  }

 private:
  Json of_values(const std::vector<const Value*>& starts, int depth) const {
    Json hints = Json::array();
    Parts parts;
    std::deque<OperandPath> open;
    for (const Value* start : starts) open.push_back({start, {}});
    std::set<const Value*> seen;
    while (!open.empty() && seen.size() < kMostValues) {
      const OperandPath path = open.front();
      open.pop_front();
      if (!seen.insert(path.value).second) continue;
      for (const auto& use : path.value->uses()) {
        if (taken_out(*use.user, use.offset, parts)) continue;
        if (const auto hint = operators_.of(*use.user, use.offset)) {
          hints.push_back(path.at_its_start(*hint));
        }
        path.follow(*use.user, use.offset, operators_, open);
      }
    }
    return {{"hints", hints}, {"parts", described(parts, depth)}};
  }

  Json described(const Parts& parts, int depth) const {
    Json found = Json::array();
    if (depth == kDeepest) return found;
    for (const Part& part : parts.all()) {
      Json one = of_values(part.values, depth + 1);
      one["key"] = part.key;
      one["tested"] = part.tested;
      found.push_back(one);
    }
    return found;
  }

  /// Whether the node takes something out of a container.
  bool taken_out(const Node& node, size_t offset, Parts& parts) const {
    const std::string op = operator_name(node);
    if (offset != 0 || !is_container(*node.input(0)->type())) return false;
    if (op == "prim::TupleUnpack" || op == "prim::ListUnpack") {
      for (size_t i = 0; i < node.outputs().size(); ++i) parts.add(i, node.outputs()[i], false);
      return true;
    }
    const bool tested = op == "aten::__contains__" || op == "aten::get";
    if (!tested && op != "aten::__getitem__" && op != "prim::TupleIndex") return false;
    Json key;
    if (const auto known = operators_.value(node.input(1))) {
      if (known->isString()) key = known->toStringRef();
      if (known->isInt()) key = known->toInt();
    }
    parts.add(key, op == "aten::__contains__" ? nullptr : node.output(0), tested);
    return true;
  }

  static bool is_container(const c10::Type& type) {
    return type.kind() == c10::TypeKind::DictType || type.kind() == c10::TypeKind::ListType ||
           type.kind() == c10::TypeKind::TupleType;
  }

  void collect_sizes(const torch::jit::Block& block, std::set<int64_t>& found) const {
    for (const Node* node : block.nodes()) {
      for (const auto* inner : node->blocks()) collect_sizes(*inner, found);
      const std::string op = operator_name(*node);
      if (op != "aten::add" && op != "aten::add_" && op != "aten::embedding") continue;
      for (const char* name : {"self", "other", "weight"}) {
        const auto parameter = operators_.tensor(*node, name);
        if (!parameter || parameter->dim() < 2) continue;
        for (const int64_t size : parameter->sizes()) {
          if (size > 1) found.insert(size);
        }
      }
    }
  }

  std::shared_ptr<Graph> graph_;
  OperatorHints operators_;
};

}  // namespace

std::vector<ArgumentHints> infer_arguments(const torch::jit::Module& module,
                                           const std::string& method) {
  const Inference inference(module, method);
  std::vector<ArgumentHints> result;
  const auto schema = module.get_method(method).function().getSchema();
  for (size_t i = 1; i < schema.arguments().size(); ++i) {
    const auto& argument = schema.arguments()[i];
    const Json found = inference.of(i);
    result.push_back({argument.name(), argument.type()->annotation_str(),
                      argument.default_value().has_value(), found["hints"], found["parts"]});
  }
  return result;
}

std::vector<int64_t> characteristic_sizes(const torch::jit::Module& module,
                                          const std::string& method) {
  return Inference(module, method).sizes();
}

}  // namespace tsharness
