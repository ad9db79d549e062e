#include "core/tap.h"

#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/runtime/custom_operator.h>
#include <torch/csrc/jit/runtime/interpreter.h>

#include "core/error.h"
#include "core/source_place.h"

namespace tsharness {

namespace {

using torch::jit::Node;
using torch::jit::Value;

using Callback = std::function<void(int64_t point, const at::Tensor& tensor)>;

/// The listener of the run that goes on in this thread: an operator has no other way to reach it.
thread_local const Callback* listening = nullptr;

const c10::Symbol kTap = c10::Symbol::fromQualString("tsharness::tap");

const torch::jit::RegisterOperators kRegistered({torch::jit::Operator(
    "tsharness::tap(Tensor x, int point) -> ()",
    [](torch::jit::Stack& stack) {
      const int64_t point = torch::jit::pop(stack).toInt();
      const at::Tensor tensor = torch::jit::pop(stack).toTensor();
      if (listening != nullptr && tensor.defined()) (*listening)(point, tensor);
    },
    c10::AliasAnalysisKind::CONSERVATIVE)});

class Listening {
 public:
  explicit Listening(const Callback& callback) { listening = &callback; }
  ~Listening() { listening = nullptr; }
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;
};

/// The innermost line that is not torch's own: who reads it looks for a line to change.
std::string source_of(const Node& node) {
  std::string source = source_place(node.sourceRange());
  if (!is_of_torch(source) || !node.callstack()) return source;
  for (const auto& frame : (*node.callstack())->vec()) {
    const std::string caller = source_place(std::get<1>(frame));
    if (!caller.empty() && !is_of_torch(caller)) source = caller;
  }
  return source;
}

std::string module_of(const Node& node) {
  std::string path;
  if (!node.callstack()) return path;
  for (const auto& frame : (*node.callstack())->vec()) {
    const auto& instance = std::get<2>(frame);
    if (!instance || instance->instance_name().empty()) continue;
    const std::string name = instance->instance_name();
    if (name == "SELF" || name == "TOP") continue;
    path += (path.empty() ? "" : ".") + name;
  }
  return path;
}

}  // namespace

bool is_tapped(const Node& node) {
  const std::string op = node.kind().toQualString();
  return op.rfind("prim::", 0) != 0 || op == "prim::ListUnpack";
}

bool is_tensor(const Value& value) { return value.type()->isSubtypeOf(*c10::TensorType::get()); }

TappedMethod::TappedMethod(const Session& session, const std::string& method)
    : method_(method), graph_(session.module().get_method(method).graph()->copy()) {
  torch::jit::Inline(*graph_);
  tap(*graph_->block());
}

void TappedMethod::tap(torch::jit::Block& block) {
  const std::vector<Node*> nodes(block.nodes().begin(), block.nodes().end());
  for (Node* node : nodes) {
    for (auto* inner : node->blocks()) tap(*inner);
    if (!is_tapped(*node)) continue;
    Node* after = node;
    for (Value* output : node->outputs()) {
      if (!is_tensor(*output)) continue;
      const torch::jit::WithInsertPoint guard(after->next());
      const auto number = static_cast<int64_t>(points_.size());
      Value* point = graph_->insertConstant(number);
      Node* call = graph_->insertNode(graph_->create(kTap, {output, point}, 0));
      points_.push_back({number, node->kind().toQualString(), source_of(*node), module_of(*node)});
      after = call;
    }
  }
}

c10::IValue TappedMethod::run(const Session& session, const BoundCall& call, GradMode mode,
                              const Listener& listener) const {
  std::vector<c10::IValue> stack;
  stack.emplace_back(session.module()._ivalue());
  for (const auto& value : call.args) stack.push_back(value);
  session.schema(method_).checkAndNormalizeInputs(stack, call.kwargs);
  const Callback callback = [&](int64_t point, const at::Tensor& tensor) {
    listener(points_.at(static_cast<size_t>(point)), tensor);
  };
  const Listening listening_here(callback);
  const GradGuard grad(mode);
  return translating_errors(ErrorKind::Execution, [&] {
    const torch::jit::Code code(graph_, method_);
    torch::jit::InterpreterState(code).run(stack);
    return stack.front();
  });
}

}  // namespace tsharness
