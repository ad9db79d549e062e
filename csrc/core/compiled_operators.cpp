#include "core/compiled_operators.h"

#include <ATen/core/ivalue_inl.h>
#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/runtime/operator.h>

#include <memory>
#include <unordered_set>
#include <vector>

namespace tsharness {

namespace {

using namespace torch::jit;

constexpr char kNative[] = "__torch__.torch.classes.";

class OperatorWalk {
 public:
  CompiledCode take() { return {std::move(found_), std::move(constants_), branches_}; }

  void unit(const torch::jit::CompilationUnit& unit) {
    for (torch::jit::Function* one : unit.get_functions()) {
      if (one != nullptr) function(*one);
    }
  }

  void mobile_function(const mobile::Function& one) {
    if (!seen_.insert(&one).second) return;
    const mobile::Code& code = one.get_code();
    for (const c10::OperatorName& name : code.op_names_) found_.insert(name.name);
    for (const mobile::Function* called : code.functions_) mobile_function(*called);
    for (const c10::TypePtr& used : code.types_) type(used);
    for (const c10::IValue& constant : code.constants_) value(constant);
  }

  /// An object, or what holds some.
  void value(const c10::IValue& given) {
    if (given.isObject()) {
      object(given.toObject());
    } else if (given.isList()) {
      if (holds_objects(given.toList().elementType())) {
        for (const c10::IValue& item : given.toListRef()) value(item);
      }
    } else if (given.isTuple()) {
      for (const c10::IValue& item : given.toTupleRef().elements()) value(item);
    } else if (given.isGenericDict()) {
      for (const auto& item : given.toGenericDict()) value(item.value());
    }
  }

 private:
  static bool holds_objects(const c10::TypePtr& element) {
    switch (element->kind()) {
      case c10::TypeKind::TensorType:
      case c10::TypeKind::IntType:
      case c10::TypeKind::FloatType:
      case c10::TypeKind::BoolType:
      case c10::TypeKind::StringType:
        return false;
      default:
        return true;
    }
  }

  void object(const c10::intrusive_ptr<c10::ivalue::Object>& given) {
    if (!seen_.insert(given.get()).second) return;
    type(given->type());
    for (const c10::IValue& slot : given->slots()) value(slot);
  }

  void function(torch::jit::Function& one) {
    if (!seen_.insert(&one).second) return;
    one.ensure_defined();
    const auto* compiled = tryToGraphFunction(one);
    if (compiled == nullptr) return;  // of native code: its class says what it is
    for (const c10::Argument& argument : one.getSchema().arguments()) {
      type(argument.type());
      if (argument.default_value()) value(*argument.default_value());
    }
    graph(compiled->graph());
  }

  void graph(const std::shared_ptr<Graph>& one) {
    if (seen_.insert(one.get()).second) block(one->block());
  }

  void block(const Block* one) {
    for (const Value* input : one->inputs()) type(input->type());
    for (const Node* inner : one->nodes()) node(inner);
  }

  void node(const Node* one) {
    if (kinds_.insert(one->kind()).second && !getAllOperatorsFor(one->kind()).empty()) {
      found_.insert(one->kind().toQualString());
    }
    branches_ = branches_ || !one->blocks().empty();  // prim::If, prim::Loop
    for (const Value* output : one->outputs()) type(output->type());
    for (const Block* inner : one->blocks()) block(inner);
    for (const c10::Symbol name : one->attributeNames()) attribute(one, name);
  }

  void attribute(const Node* one, c10::Symbol name) {
    switch (one->kindOf(name)) {
      case AttributeKind::g:
        graph(one->g(name));
        break;
      case AttributeKind::gs:
        for (const auto& inner : one->gs(name)) graph(inner);
        break;
      case AttributeKind::ival:
        value(one->ival(name));
        break;
      case AttributeKind::t:
        if (one->t(name).defined()) constants_.push_back(one->t(name));
        break;
      case AttributeKind::ty:
        type(one->ty(name));
        break;
      case AttributeKind::tys:
        for (const auto& used : one->tys(name)) type(used);
        break;
      default:
        break;  // numbers and texts hold no code
    }
  }

  void type(const c10::TypePtr& one) {
    if (one == nullptr || !seen_.insert(one.get()).second) return;
    if (const auto cls = one->cast<c10::ClassType>()) {
      class_type(*cls);
    } else if (const auto called = one->cast<c10::FunctionType>()) {
      function(*called->function());
    }
    for (const c10::TypePtr& part : one->containedTypes()) type(part);
  }

  void class_type(const c10::ClassType& one) {
    if (one.name()) {
      const std::string name = one.name()->qualifiedName();
      const std::string prefix = kNative;
      if (name.rfind(prefix, 0) == 0) found_.insert("torch.classes." + name.substr(prefix.size()));
    }
    for (torch::jit::Function* method : one.methods()) function(*method);
    for (torch::jit::Function* hook : one.getForwardHooks()) function(*hook);
    for (torch::jit::Function* hook : one.getForwardPreHooks()) function(*hook);
    for (size_t slot = 0; slot < one.numConstants(); ++slot) value(one.getConstant(slot));
  }

  std::set<std::string> found_;
  std::vector<at::Tensor> constants_;
  bool branches_ = false;
  std::unordered_set<const void*> seen_;
  std::unordered_set<c10::Symbol> kinds_;  ///< of nodes
};

}  // namespace

CompiledCode compiled_code(const torch::jit::Module& module) {
  OperatorWalk walk;
  walk.unit(*module._ivalue()->compilation_unit());
  walk.value(module._ivalue());
  return walk.take();
}

std::set<std::string> compiled_operators(const torch::jit::mobile::Module& module) {
  OperatorWalk walk;
  for (const auto& one : module.compilation_unit().methods()) walk.mobile_function(*one);
  walk.value(module._ivalue());
  return walk.take().operators;
}

}  // namespace tsharness
