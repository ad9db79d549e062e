#include "core/infer.h"

#include <torch/csrc/jit/passes/inliner.h>

#include <deque>
#include <set>

#include "core/dtype.h"
#include "core/graph_values.h"

namespace tsharness {

namespace {

using c10::IValue;
using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Value;

/// A dim of the argument is a size, or unknown (-1).
using Dims = std::vector<int64_t>;

/// A value on its way from the argument to an operator, with what was done to its dims; each step
/// turns the dims that the operator asks for into those that the argument had.
struct Path {
  const Value* value;
  std::vector<std::function<bool(Dims&)>> back;
};

class Inference {
 public:
  Inference(const torch::jit::Module& module, const std::string& method)
      : self_(module._ivalue()), graph_(module.get_method(method).graph()->copy()) {
    torch::jit::Inline(*graph_);
    self_value_ = graph_->inputs().at(0);
  }

  Json hints(size_t argument) {
    Json found = Json::array();
    std::deque<Path> open = {{graph_->inputs().at(argument), {}}};
    std::set<const Value*> seen;
    while (!open.empty() && seen.size() < 64) {
      const Path path = open.front();
      open.pop_front();
      if (!seen.insert(path.value).second) continue;
      for (const auto& use : path.value->uses()) {
        Json hint = consumed(*use.user, use.offset, path);
        if (!hint.is_null()) found.push_back(hint);
        follow(*use.user, use.offset, path, open);
      }
    }
    return found;
  }

  std::vector<int64_t> sizes() const {
    std::set<int64_t> found;
    collect_sizes(*graph_->block(), found);
    return {found.begin(), found.end()};
  }

 private:
  c10::optional<at::Tensor> tensor(const Node& node, const char* name) const {
    const auto value = argument(node, name);
    if (!value || !value->isTensor() || !value->toTensor().defined()) return {};
    return value->toTensor();
  }

  /// An input of an operator by its schema's name, if it is known without running.
  c10::optional<IValue> argument(const Node& node, const char* name) const {
    const auto* schema = node.maybeSchema();
    if (schema == nullptr) return {};
    const auto index = schema->argumentIndexWithName(name);
    if (!index || static_cast<size_t>(*index) >= node.inputs().size()) return {};
    return resolve(node.inputs().at(static_cast<size_t>(*index)), self_, self_value_);
  }

  Json consumed(const Node& node, size_t offset, const Path& path) const {
    const std::string op = node.kind().toQualString();
    if (offset == 0 && (op.rfind("aten::conv", 0) == 0 || op == "aten::_convolution")) {
      return convolution(node, op, path);
    }
    if (offset == 0 && op == "aten::linear") return last_dim(node, "weight", 1, path);
    if (offset == 0 && (op == "aten::matmul" || op == "aten::mm")) {
      return last_dim(node, op == "aten::mm" ? "mat2" : "other", 0, path);
    }
    if (offset == 1 && op == "aten::addmm") return last_dim(node, "mat2", 0, path);
    if (offset == 1 && op.rfind("aten::embedding", 0) == 0) return index_hint(node, path);
    if (offset == 0 && op == "aten::layer_norm") return layer_norm(node, path);
    if (offset == 0 &&
        (op == "aten::batch_norm" || op == "aten::group_norm" || op == "aten::instance_norm")) {
      return channels(node, path);
    }
    if (offset == 0 &&
        (op == "aten::lstm" || op == "aten::gru" || op.rfind("aten::rnn_", 0) == 0)) {
      return recurrent(node, path);
    }
    if (offset == 1 && op == "aten::masked_fill") return hint(op, "bool", {}, true, path);
    if (offset == 0 && op == "aten::where") return hint(op, "bool", {}, true, path);
    if (op == "aten::Bool") return hint(op, "bool", {}, false, path);
    if (op == "aten::Int" || op == "aten::IntImplicit") return hint(op, "int64", {}, false, path);
    if (op == "aten::Float") return hint(op, "float32", {}, false, path);
    return {};
  }

  Json convolution(const Node& node, const std::string& op, const Path& path) const {
    const auto weight = tensor(node, "weight");
    if (!weight || weight->dim() < 3) return {};
    const auto transposed = argument(node, "transposed");
    const bool turned = op.find("transpose") != std::string::npos ||
                        (transposed && transposed->isBool() && transposed->toBool());
    const auto groups = argument(node, "groups");
    const int64_t count = groups && groups->isInt() ? groups->toInt() : 1;
    Dims dims(static_cast<size_t>(weight->dim()), -1);
    dims[1] = turned ? weight->size(0) : weight->size(1) * count;
    Json found = hint(op, dtype_of(weight->scalar_type()).name, dims, false, path);
    found["kernel"] = weight->size(2);
    return found;
  }

  Json last_dim(const Node& node, const char* name, int64_t dim, const Path& path) const {
    const auto weight = tensor(node, name);
    if (!weight || weight->dim() != 2) return {};
    return hint(node.kind().toQualString(), dtype_of(weight->scalar_type()).name,
                {weight->size(dim)}, true, path);
  }

  Json index_hint(const Node& node, const Path& path) const {
    const auto weight = tensor(node, "weight");
    if (!weight) return {};
    Json found = hint(node.kind().toQualString(), "int64", {}, true, path);
    found["low"] = 0;
    found["high"] = weight->size(0) - 1;
    return found;
  }

  Json layer_norm(const Node& node, const Path& path) const {
    const auto weight = tensor(node, "weight");
    if (!weight) return {};
    return hint("aten::layer_norm", dtype_of(weight->scalar_type()).name, weight->sizes().vec(),
                true, path);
  }

  Json channels(const Node& node, const Path& path) const {
    auto weight = tensor(node, "running_mean");
    if (!weight) weight = tensor(node, "weight");
    if (!weight) return {};
    Json found =
        hint(node.kind().toQualString(), dtype_of(weight->scalar_type()).name, {}, true, path);
    found["channels"] = weight->size(0);
    return found;
  }

  Json recurrent(const Node& node, const Path& path) const {
    for (const Value* input : node.inputs()) {
      if (input->node()->kind().toQualString() != std::string("prim::ListConstruct")) continue;
      for (const Value* element : input->node()->inputs()) {
        const auto weight = resolve(element, self_, self_value_);
        if (!weight || !weight->isTensor() || weight->toTensor().dim() != 2) continue;
        return hint(node.kind().toQualString(), dtype_of(weight->toTensor().scalar_type()).name,
                    {-1, -1, weight->toTensor().size(1)}, false, path);
      }
    }
    return {};
  }

  static Json hint(const std::string& op, const std::string& dtype, Dims dims, bool ellipsis,
                   const Path& path) {
    Json found = {{"op", op}, {"dtype", dtype}};
    for (auto step = path.back.rbegin(); step != path.back.rend(); ++step) {
      // What was moved cannot be told where dims may stand before those that are known.
      if (ellipsis || !(*step)(dims)) return found;
    }
    found["ellipsis"] = ellipsis;
    found["dims"] = Json::array();
    for (const int64_t size : dims) found["dims"].push_back(size < 0 ? Json() : Json(size));
    return found;
  }

  void follow(const Node& node, size_t offset, const Path& path, std::deque<Path>& open) const {
    const std::string op = node.kind().toQualString();
    if (node.outputs().size() != 1) return;
    Path next = {node.output(), path.back};
    if (keeps_dims(op) && (offset == 0 || op == "aten::mul" || op == "aten::add")) {
      open.push_back(next);
    } else if (offset == 0 && op == "aten::unsqueeze") {
      const auto dim = argument(node, "dim");
      if (!dim || !dim->isInt()) return;
      next.back.emplace_back([at = dim->toInt()](Dims& dims) {
        const auto rank = static_cast<int64_t>(dims.size());
        const int64_t place = at < 0 ? at + rank : at;
        if (place < 0 || place >= rank) return false;
        dims.erase(dims.begin() + place);
        return true;
      });
      open.push_back(next);
    } else if (offset == 0 && op == "aten::transpose") {
      const auto first = argument(node, "dim0");
      const auto second = argument(node, "dim1");
      if (!first || !second || !first->isInt() || !second->isInt()) return;
      next.back.emplace_back([a = first->toInt(), b = second->toInt()](Dims& dims) {
        const auto rank = static_cast<int64_t>(dims.size());
        const int64_t left = a < 0 ? a + rank : a;
        const int64_t right = b < 0 ? b + rank : b;
        if (left < 0 || right < 0 || left >= rank || right >= rank) return false;
        std::swap(dims[static_cast<size_t>(left)], dims[static_cast<size_t>(right)]);
        return true;
      });
      open.push_back(next);
    }
  }

  void collect_sizes(const torch::jit::Block& block, std::set<int64_t>& found) const {
    for (const Node* node : block.nodes()) {
      for (const auto* inner : node->blocks()) collect_sizes(*inner, found);
      const std::string op = node->kind().toQualString();
      if (op != "aten::add" && op != "aten::add_" && op != "aten::embedding") continue;
      for (const char* name : {"self", "other", "weight"}) {
        const auto parameter = tensor(*node, name);
        if (!parameter || parameter->dim() < 2) continue;
        for (const int64_t size : parameter->sizes()) {
          if (size > 1) found.insert(size);
        }
      }
    }
  }

  IValue self_;
  std::shared_ptr<Graph> graph_;
  const Value* self_value_ = nullptr;
};

}  // namespace

std::vector<ArgumentHints> infer_arguments(const torch::jit::Module& module,
                                           const std::string& method) {
  Inference inference(module, method);
  std::vector<ArgumentHints> result;
  const auto schema = module.get_method(method).function().getSchema();
  for (size_t i = 1; i < schema.arguments().size(); ++i) {
    const auto& argument = schema.arguments()[i];
    result.push_back({argument.name(), argument.type()->repr_str(),
                      argument.default_value().has_value(), inference.hints(i)});
  }
  return result;
}

std::vector<int64_t> characteristic_sizes(const torch::jit::Module& module,
                                          const std::string& method) {
  return Inference(module, method).sizes();
}

}  // namespace tsharness
