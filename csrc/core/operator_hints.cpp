#include "core/operator_hints.h"

#include <set>

#include "core/dtype.h"
#include "core/graph_values.h"

namespace tsharness {

namespace {

using c10::IValue;
using torch::jit::Node;
using torch::jit::Value;

OperandHint of_dtype(const std::string& op, const std::string& dtype, bool ellipsis) {
  return {op, dtype, {}, ellipsis};
}

/// A hint of the rank alone: at least so many dims, or exactly so many.
OperandHint of_dims(const std::string& op, int64_t rank, bool at_least) {
  return {op, "", Dims(static_cast<size_t>(rank), -1), at_least};
}

}  // namespace

c10::optional<IValue> OperatorHints::value(const Value* value) const {
  return resolve(value, self_, self_value_);
}

c10::optional<IValue> OperatorHints::argument(const Node& node, const char* name) const {
  const auto* schema = node.maybeSchema();
  if (schema == nullptr) return {};
  const auto index = schema->argumentIndexWithName(name);
  if (!index || static_cast<size_t>(*index) >= node.inputs().size()) return {};
  return value(node.inputs().at(static_cast<size_t>(*index)));
}

c10::optional<at::Tensor> OperatorHints::tensor(const Node& node, const char* name) const {
  const auto found = argument(node, name);
  if (!found || !found->isTensor() || !found->toTensor().defined()) return {};
  return found->toTensor();
}

c10::optional<int64_t> OperatorHints::integer(const Node& node, const char* name) const {
  const auto found = argument(node, name);
  if (!found || !found->isInt()) return {};
  return found->toInt();
}

c10::optional<OperandHint> OperatorHints::of(const Node& node, size_t offset) const {
  const std::string op = operator_name(node);
  if (Found found = of_index(node, op, offset)) return found;
  if (Found found = compared(node, op, offset)) return found;
  if (Found found = recurrent_state(node, op, offset)) return found;
  if (op == "aten::add" || op == "aten::sub" || op == "aten::mul" || op == "aten::div") {
    return broadcast(node, offset);
  }
  if (offset == 1 && op == "aten::addmm") return last_dim(node, "mat2", 0);
  if (offset == 1 && op == "aten::masked_fill") return of_dtype(op, "bool", true);
  if (offset != 0) return {};
  if (Found found = of_layer(node, op)) return found;
  if (Found found = of_scalar(node, op)) return found;
  return of_rank(node, op);
}

/// Positions in a table, of which there are so many.
c10::optional<OperandHint> OperatorHints::of_index(const Node& node, const std::string& op,
                                                   size_t offset) const {
  Found found;
  c10::optional<at::Tensor> table;
  int64_t dim = 0;
  if (offset == 1 && op.rfind("aten::embedding", 0) == 0) {
    table = tensor(node, "weight");
    found = of_dtype(op, "int64", true);
  } else if (offset == 2 && (op == "aten::gather" || op == "aten::index_select")) {
    table = tensor(node, "self");
    dim = integer(node, "dim").value_or(0);
    found = of_dtype(op, "int64", true);
  } else if (op == "prim::ListConstruct" && node.outputs().size() == 1) {
    for (const auto& use : node.output()->uses()) {
      if (use.offset != 1 || operator_name(*use.user) != "aten::index") continue;
      table = tensor(*use.user, "self");
      dim = static_cast<int64_t>(offset);
      found = of_dtype("aten::index", "int64", true);
    }
  } else if (offset == 0 && op == "aten::one_hot") {
    return of_dtype(op, "int64", true);
  }
  if (found && table && dim >= 0 && dim < table->dim()) {
    found->more = {{"low", 0}, {"high", table->size(dim) - 1}};
  }
  return found;
}

c10::optional<OperandHint> OperatorHints::of_scalar(const Node&, const std::string& op) const {
  static const std::set<std::string> boolean = {"aten::where", "aten::logical_not",
                                                "aten::bitwise_not"};
  if (boolean.count(op) > 0) return of_dtype(op, "bool", true);
  if (op == "aten::Bool") return of_dtype(op, "bool", false);
  if (op == "aten::Int" || op == "aten::IntImplicit") return of_dtype(op, "int64", false);
  if (op == "aten::Float" || op == "aten::FloatImplicit") return of_dtype(op, "float32", false);
  return {};
}

/// How many dims are named or asked for.
c10::optional<OperandHint> OperatorHints::of_rank(const Node& node, const std::string& op) const {
  if (op == "aten::permute") {
    const auto dims = argument(node, "dims");
    if (dims && dims->isIntList()) {
      return of_dims(op, static_cast<int64_t>(dims->toIntVector().size()), false);
    }
    const Value* list = node.inputs().at(1);
    if (operator_name(*list->node()) != "prim::ListConstruct") return {};
    return of_dims(op, static_cast<int64_t>(list->node()->inputs().size()), false);
  }
  if (op != "aten::size" && op != "aten::select") return {};
  if (const auto dim = integer(node, "dim")) {
    return of_dims(op, *dim < 0 ? -*dim : *dim + 1, true);
  }
  if (op == "aten::select") return {};
  int64_t least = 0;
  for (const auto& use : node.output()->uses()) {
    if (operator_name(*use.user) == "prim::ListUnpack") {
      return of_dims(op, static_cast<int64_t>(use.user->outputs().size()), false);
    }
    if (operator_name(*use.user) != "aten::__getitem__") continue;
    const auto index = value(use.user->inputs().at(1));
    if (!index || !index->isInt()) continue;
    least = std::max(least, index->toInt() < 0 ? -index->toInt() : index->toInt() + 1);
  }
  return least > 0 ? Found(of_dims(op, least, true)) : Found();
}

/// A string or an integer that is compared with one that the code states, or with several.
c10::optional<OperandHint> OperatorHints::compared(const Node& node, const std::string& op,
                                                   size_t offset) const {
  if (op != "aten::eq" && op != "aten::ne" && op != "aten::__contains__") return {};
  const bool searched = op == "aten::__contains__";
  if (node.inputs().size() != 2 || (searched && offset != 1)) return {};
  const auto other = value(node.inputs().at(1 - offset));
  if (!other) return {};
  OperandHint hint = of_dtype(op, "", true);
  if (other->isString()) {
    hint.more["values"] = {other->toStringRef()};
  } else if (other->isInt() && node.inputs().at(offset)->type()->kind() == c10::TypeKind::IntType) {
    hint.more["values"] = {other->toInt()};
  } else if (searched && other->isList()) {
    for (const IValue& one : other->toListRef()) {
      if (one.isString()) hint.more["values"].push_back(one.toStringRef());
      if (one.isInt()) hint.more["values"].push_back(one.toInt());
    }
  }
  return hint.more.empty() ? Found() : Found(hint);
}

/// Arithmetic with a parameter: its dims are the operand's last, but for those of size one.
c10::optional<OperandHint> OperatorHints::broadcast(const Node& node, size_t offset) const {
  if (offset > 1 || node.inputs().size() < 2) return {};
  const auto other = value(node.inputs().at(1 - offset));
  if (!other || !other->isTensor() || !other->toTensor().defined()) return {};
  const at::Tensor& found = other->toTensor();
  if (found.numel() < 2 || !found.is_floating_point()) return {};
  Dims dims = found.sizes().vec();
  for (int64_t& size : dims) size = size == 1 ? -1 : size;
  return OperandHint{
      operator_name(node), dtype_of(found.scalar_type()).name, dims, true, {{"broadcast", true}}};
}

}  // namespace tsharness
