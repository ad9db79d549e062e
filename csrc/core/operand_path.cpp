#include "core/operand_path.h"

#include <set>

#include "core/graph_values.h"

namespace tsharness {

namespace {

using torch::jit::Node;
using torch::jit::Value;

/// The place of a dim among those that are known; nothing where unknown ones stand before it.
c10::optional<size_t> place_of(const Dims& dims, bool ellipsis, int64_t dim) {
  const auto rank = static_cast<int64_t>(dims.size());
  if (ellipsis && dim >= 0) return {};
  const int64_t place = dim < 0 ? dim + rank : dim;
  if (place < 0 || place >= rank) return {};
  return static_cast<size_t>(place);
}

/// A dim was put in.
OperandPath::Step unsqueezed(int64_t dim) {
  return [dim](Dims& dims, bool ellipsis) {
    const auto place = place_of(dims, ellipsis, dim);
    if (!place) return false;
    dims.erase(dims.begin() + static_cast<std::ptrdiff_t>(*place));
    return true;
  };
}

/// A dim was taken out: by an index, or because it is one.
OperandPath::Step without_dim(int64_t dim, int64_t size) {
  return [dim, size](Dims& dims, bool ellipsis) {
    const int64_t place = dim < 0 ? dim + static_cast<int64_t>(dims.size()) + 1 : dim;
    const bool inside = place >= 0 && place <= static_cast<int64_t>(dims.size());
    if (!inside || (ellipsis && dim >= 0)) return false;
    dims.insert(dims.begin() + place, size);
    return true;
  };
}

OperandPath::Step transposed(int64_t first, int64_t second) {
  return [first, second](Dims& dims, bool ellipsis) {
    const auto left = place_of(dims, ellipsis, first);
    const auto right = place_of(dims, ellipsis, second);
    if (!left || !right) return false;
    std::swap(dims[*left], dims[*right]);
    return true;
  };
}

OperandPath::Step permuted(const std::vector<int64_t>& order) {
  return [order](Dims& dims, bool ellipsis) {
    if (ellipsis || dims.size() != order.size()) return false;
    Dims before(dims.size(), -1);
    for (size_t i = 0; i < order.size(); ++i) {
      const auto place = place_of(dims, false, order[i]);
      if (!place) return false;
      before[*place] = dims[i];
    }
    dims = before;
    return true;
  };
}

/// A dim has another size than before: a part of it was taken, or more was put behind it.
OperandPath::Step another_size(int64_t dim) {
  return [dim](Dims& dims, bool ellipsis) {
    if (ellipsis && dim >= 0) return false;
    if (const auto place = place_of(dims, ellipsis, dim)) dims[*place] = -1;
    return true;
  };
}

/// Elements in another order of dims: what they were cannot be told, but dtype and range can.
bool rearranged(Dims&, bool) { return false; }

c10::optional<OperandPath::Step> step_of(const Node& node, const std::string& op,
                                         const OperatorHints& operators) {
  static const std::set<std::string> rearranging = {
      "aten::view",   "aten::reshape", "aten::flatten",   "aten::expand",
      "aten::repeat", "aten::view_as", "aten::unflatten", "aten::expand_as"};
  if (rearranging.count(op) > 0) return OperandPath::Step(rearranged);
  const auto dim = operators.integer(node, "dim");
  if (op == "aten::unsqueeze" && dim) return unsqueezed(*dim);
  if (op == "aten::squeeze" && dim) return without_dim(*dim, 1);
  if (op == "aten::select" && dim) return without_dim(*dim, -1);
  if (op == "aten::slice" && dim) return another_size(*dim);
  if (op == "aten::transpose") {
    const auto first = operators.integer(node, "dim0");
    const auto second = operators.integer(node, "dim1");
    if (first && second) return transposed(*first, *second);
  }
  if (op == "aten::permute") {
    const auto order = operators.argument(node, "dims");
    if (order && order->isIntList()) return permuted(order->toIntVector());
  }
  return {};
}

}  // namespace

OperandPath OperandPath::then(const Value* next, const Step& step) const {
  OperandPath path = {next, steps};
  if (step) path.steps.push_back(step);
  return path;
}

Json OperandPath::at_its_start(const OperandHint& hint) const {
  Json found = hint.more;
  found["op"] = hint.op;
  found["dtype"] = hint.dtype;
  Dims dims = hint.dims;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    if (!(*step)(dims, hint.ellipsis)) return found;
  }
  found["ellipsis"] = hint.ellipsis;
  found["dims"] = Json::array();
  for (const int64_t size : dims) found["dims"].push_back(size < 0 ? Json() : Json(size));
  return found;
}

void OperandPath::follow(const Node& node, size_t offset, const OperatorHints& operators,
                         std::deque<OperandPath>& open) const {
  const std::string op = operator_name(node);
  if (op == "prim::Return") return leave_block(node, offset, open);
  if (node.outputs().size() != 1) return;
  if (keeps_dims(op) && (offset == 0 || op == "aten::mul" || op == "aten::add")) {
    open.push_back(then(node.output(), nullptr));
  } else if (op == "prim::ListConstruct") {
    for (const auto& use : node.output()->uses()) {
      const std::string joins = operator_name(*use.user);
      const auto dim = operators.integer(*use.user, "dim");
      if (joins == "aten::cat" && dim) {
        open.push_back(then(use.user->output(), another_size(*dim)));
      } else if (joins == "aten::stack" && dim) {
        open.push_back(then(use.user->output(), unsqueezed(*dim)));
      }
    }
  } else if (offset == 0) {
    if (const auto step = step_of(node, op, operators)) open.push_back(then(node.output(), *step));
  }
}

/// What a branch hands on is the value behind the branches.
void OperandPath::leave_block(const Node& end, size_t offset, std::deque<OperandPath>& open) const {
  const Node* owner = end.owningBlock()->owningNode();
  if (owner == nullptr || owner->kind() != torch::jit::prim::If) return;
  if (offset < owner->outputs().size()) open.push_back(then(owner->outputs()[offset], nullptr));
}

}  // namespace tsharness
