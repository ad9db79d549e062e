#include "core/extract.h"

#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/runtime/interpreter.h>

#include <functional>
#include <unordered_map>
#include <unordered_set>

#include "core/error.h"
#include "core/tap.h"

namespace tsharness {

namespace {

using torch::jit::Block;
using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Value;

std::vector<Node*> top_level(Graph& graph) { return {graph.nodes().begin(), graph.nodes().end()}; }

/// The number of tap points in a node, in the order in which TappedMethod numbers them.
int64_t points_in(const Node& node) {
  int64_t count = 0;
  for (const Block* block : node.blocks()) {
    for (const Node* inner : block->nodes()) count += points_in(*inner);
  }
  if (!is_tapped(node)) return count;
  for (const Value* output : node.outputs()) count += is_tensor(*output);
  return count;
}

/// Values that a node, blocks included, uses, in order.
void collect_uses(const Node& node, std::vector<Value*>& used) {
  for (auto* input : node.inputs()) used.push_back(const_cast<Value*>(input));
  for (const Block* block : node.blocks()) {
    for (const Node* inner : block->nodes()) collect_uses(*inner, used);
    for (auto* output : block->outputs()) used.push_back(const_cast<Value*>(output));
  }
}

void collect_definitions(const Node& node, std::unordered_set<const Value*>& defined) {
  for (const Value* output : node.outputs()) defined.insert(output);
  for (const Block* block : node.blocks()) {
    for (const Value* input : block->inputs()) defined.insert(input);
    for (const Node* inner : block->nodes()) collect_definitions(*inner, defined);
  }
}

bool sets_attributes(const Block& block) {
  for (const Node* node : block.nodes()) {
    if (node->kind() == c10::prim::SetAttr) return true;
    for (const Block* inner : node->blocks()) {
      if (sets_attributes(*inner)) return true;
    }
  }
  return false;
}

/// Reads of attributes go to the front, out of branches and loops: what stays works on their
/// values, and needs no module. In a graph that sets attributes they stay where they are.
void hoist_attributes(Block& block, Node& front) {
  const std::vector<Node*> nodes(block.nodes().begin(), block.nodes().end());
  for (Node* node : nodes) {
    for (Block* inner : node->blocks()) hoist_attributes(*inner, front);
    if (node->kind() == c10::prim::GetAttr) node->moveBefore(&front);
  }
}

bool is_constant(const Value& value) { return value.node()->kind() == c10::prim::Constant; }

}  // namespace

Extract::Extract(const Session& session, const std::string& method, int64_t point,
                 int64_t operators)
    : method_(method), graph_(session.module().get_method(method).graph()->copy()) {
  torch::jit::Inline(*graph_);
  if (!sets_attributes(*graph_->block())) {
    Node* front = graph_->create(c10::prim::Constant, 1);
    front->output()->setType(c10::NoneType::get());
    hoist_attributes(*graph_->block(), *graph_->prependNode(front));
  }
  const auto nodes = top_level(*graph_);
  int64_t seen = 0;
  while (last_ < nodes.size() && (seen += points_in(*nodes[last_])) <= point) ++last_;
  if (last_ == nodes.size()) throw Error(ErrorKind::Usage, "no operator has that number");
  first_ = last_;
  operators_ = 1;
  for (size_t i = last_; i-- > 0 && operators_ < operators;) {
    if (nodes[i]->kind() == c10::prim::Constant || nodes[i]->kind() == c10::prim::GetAttr) continue;
    operators_ += points_in(*nodes[i]) > 0;
    first_ = i;
  }
  std::unordered_set<const Value*> defined;
  std::vector<Value*> used;
  for (size_t i = first_; i <= last_; ++i) {
    collect_definitions(*nodes[i], defined);
    collect_uses(*nodes[i], used);
  }
  std::unordered_set<const Value*> known;
  for (Value* value : used) {
    if (defined.count(value) > 0 || is_constant(*value) || !known.insert(value).second) continue;
    if (value->type()->cast<c10::ClassType>()) {
      throw Error(ErrorKind::Usage, "it works on an object (" + value->type()->annotation_str() +
                                        "), which cannot be an argument");
    }
    entering_.push_back(value);
  }
}

/// A copy of the graph that ends behind a top-level node and returns these of its values.
std::shared_ptr<Graph> Extract::up_to(size_t node, const std::vector<Value*>& outputs) const {
  auto graph = std::make_shared<Graph>();
  std::unordered_map<const Value*, Value*> copies;
  for (Value* input : graph_->inputs()) {
    copies[input] = graph->addInput()->setType(input->type());
  }
  const auto copy_of = [&](Value* value) { return copies.at(value); };
  const auto nodes = top_level(*graph_);
  for (size_t i = 0; i < node; ++i) {
    Node* copy = graph->insertNode(graph->createClone(nodes[i], copy_of));
    for (size_t k = 0; k < copy->outputs().size(); ++k) {
      copies[nodes[i]->outputs()[k]] = copy->outputs()[k];
    }
  }
  std::vector<Value*> returned;
  for (Value* output : outputs) returned.push_back(copies.at(output));
  graph->registerOutput(graph->insertNode(graph->createTuple(returned))->output());
  return graph;
}

c10::IValue Extract::interpret(const std::shared_ptr<Graph>& graph, const Session& session,
                               const BoundCall& call, GradMode mode) const {
  std::vector<c10::IValue> stack{session.module()._ivalue()};
  for (const auto& value : call.args) stack.push_back(value);
  session.schema(method_).checkAndNormalizeInputs(stack, call.kwargs);
  const GradGuard grad(mode);
  return translating_errors(ErrorKind::Execution, [&] {
    const torch::jit::Code code(graph, method_);
    torch::jit::InterpreterState(code).run(stack);
    return stack.front();
  });
}

std::vector<c10::IValue> Extract::inputs(const Session& session, const BoundCall& call,
                                         GradMode mode) const {
  return interpret(up_to(first_, entering_), session, call, mode).toTupleRef().elements().vec();
}

c10::IValue Extract::outputs(const Session& session, const BoundCall& call, GradMode mode) const {
  const auto made = top_level(*graph_)[last_]->outputs();
  const c10::IValue tuple =
      interpret(up_to(last_ + 1, {made.begin(), made.end()}), session, call, mode);
  return made.size() == 1 ? tuple.toTupleRef().elements()[0] : tuple;
}

torch::jit::Module Extract::module() const {
  const auto unit = std::make_shared<torch::jit::CompilationUnit>();
  const auto type = c10::ClassType::create("__torch__.Extract", unit, true);
  unit->register_type(type);
  const torch::jit::Module module(unit, type);
  auto graph = std::make_shared<Graph>();
  graph->addInput("self")->setType(type);
  std::unordered_map<const Value*, Value*> copies;
  for (Value* value : entering_) {
    copies[value] = graph->addInput()->setType(c10::unshapedType(value->type()));
  }
  const auto copy_of = [&](Value* value) -> Value* {
    if (copies.count(value) == 0) {
      Node* constant =
          graph->insertNode(graph->createClone(value->node(), [](Value* v) { return v; }));
      copies[value] = constant->output();
    }
    return copies.at(value);
  };
  const auto nodes = top_level(*graph_);
  for (size_t i = first_; i <= last_; ++i) {
    // Constants come first: inside a block they would stand where the clone is made.
    std::vector<Value*> used;
    collect_uses(*nodes[i], used);
    for (Value* value : used) {
      if (is_constant(*value) && value->node()->owningBlock() == graph_->block()) copy_of(value);
    }
    Node* copy = graph->insertNode(graph->createClone(nodes[i], copy_of));
    for (size_t k = 0; k < copy->outputs().size(); ++k) {
      copies[nodes[i]->outputs()[k]] = copy->outputs()[k];
    }
  }
  std::vector<Value*> made;
  for (Value* output : nodes[last_]->outputs()) made.push_back(copies.at(output));
  Value* result =
      made.size() == 1 ? made.front() : graph->insertNode(graph->createTuple(made))->output();
  graph->registerOutput(result);
  auto* forward = unit->create_function(c10::QualifiedName(*type->name(), "forward"), graph);
  type->addMethod(forward);
  return module;
}

}  // namespace tsharness
