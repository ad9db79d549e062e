#include "core/session.h"

#include <sstream>

#include "core/devices.h"
#include "core/error.h"
#include "core/value_tree.h"

namespace tsharness {

namespace {

using c10::IValue;

/// Tensors, containers and numbers below an object, in a fixed order.
template <class Visit>
void visit_leaves(const IValue& value, Visit&& visit) {
  if (value.isObject()) {
    for (const IValue& slot : value.toObjectRef().slots()) visit_leaves(slot, visit);
  } else if (value.isList()) {
    const auto list = value.toList();
    visit(IValue(static_cast<int64_t>(list.size())));
    for (size_t i = 0; i < list.size(); ++i) visit_leaves(list.get(i), visit);
  } else if (value.isTuple()) {
    for (const IValue& element : value.toTupleRef().elements()) visit_leaves(element, visit);
  } else if (value.isGenericDict()) {
    const auto dict = value.toGenericDict();
    visit(IValue(static_cast<int64_t>(dict.size())));
    for (const auto& item : dict) {
      visit_leaves(item.key(), visit);
      visit_leaves(item.value(), visit);
    }
  } else {
    visit(value);
  }
}

bool is_plain(const IValue& value) {
  return value.isNone() || value.isBool() || value.isInt() || value.isDouble() || value.isString();
}

torch::jit::Module load(const std::string& path, c10::Device device) {
  return translating_errors(ErrorKind::Artifact, [&] { return torch::jit::load(path, device); });
}

}  // namespace

BoundCall BoundCall::clone(c10::Device device) const {
  BoundCall copy{method, {}, {}};
  for (const IValue& value : args) copy.args.push_back(clone_value(value, device));
  for (const auto& [name, value] : kwargs) copy.kwargs.emplace(name, clone_value(value, device));
  return copy;
}

Session::Session(const std::string& path, c10::Device device)
    : path_(path), device_(device), module_(load(path, device)), loaded_state_(mark_state()) {}

std::vector<MethodInfo> Session::methods() const {
  std::vector<MethodInfo> result;
  for (const auto& method : module_.get_methods()) {
    std::ostringstream schema;
    schema << method.function().getSchema();
    result.push_back({method.name(), schema.str()});
  }
  return result;
}

c10::FunctionSchema Session::schema(const std::string& name) const {
  return method(name).function().getSchema();
}

int64_t Session::parameter_count() const {
  int64_t count = 0;
  for (const auto& parameter : module_.parameters()) count += parameter.numel();
  return count;
}

int64_t Session::parameter_bytes() const {
  int64_t bytes = 0;
  for (const auto& parameter : module_.parameters()) {
    bytes += static_cast<int64_t>(parameter.numel() * parameter.element_size());
  }
  return bytes;
}

torch::jit::Method Session::method(const std::string& name) const {
  if (auto found = module_.find_method(name)) return *found;
  std::string names;
  for (const auto& method : module_.get_methods()) {
    names += (names.empty() ? "" : ", ") + method.name();
  }
  throw Error(ErrorKind::Usage, "the artifact has no method '" + name + "'; it has: " + names);
}

BoundCall Session::bind(const Call& call, const SafetensorsReader& tensors) const {
  const auto target = method(call.method);
  const auto& arguments = target.function().getSchema().arguments();
  const size_t positions = arguments.size() - 1;  // the first one is self
  if (call.args.size() > positions) {
    throw Error(ErrorKind::Input, call.method + " takes " + std::to_string(positions) +
                                      " arguments, got " + std::to_string(call.args.size()));
  }
  BoundCall bound{call.method, {}, {}};
  for (size_t i = 0; i < call.args.size(); ++i) {
    bound.args.push_back(decode_value(call.args[i], tensors, arguments[i + 1].type()));
  }
  for (const auto& [name, node] : call.kwargs.items()) {
    c10::TypePtr type;
    for (const auto& argument : arguments) {
      if (argument.name() == name) type = argument.type();
    }
    bound.kwargs.emplace(name, decode_value(node, tensors, type));
  }
  return bound;
}

IValue Session::run(const BoundCall& call) { return run(call.method, call.args, call.kwargs); }

IValue Session::run(const std::string& name, std::vector<IValue> args, const Kwargs& kwargs) {
  const auto target = method(name);
  auto& function = target.function();
  std::vector<IValue> stack;
  stack.reserve(args.size() + 1);
  stack.emplace_back(module_._ivalue());
  for (IValue& value : args) stack.push_back(std::move(value));
  translating_errors(ErrorKind::Input,
                     [&] { function.getSchema().checkAndNormalizeInputs(stack, kwargs); });
  const torch::NoGradGuard no_grad;
  return translating_errors(ErrorKind::Execution, [&] {
    function.run(stack);
    return stack.front();
  });
}

void Session::synchronize() const { synchronize_device(device_); }

std::vector<Session::StateMark> Session::mark_state() const {
  std::vector<StateMark> marks;
  visit_leaves(IValue(module_._ivalue()), [&](const IValue& value) {
    const bool counted =
        value.isTensor() && value.toTensor().defined() && !value.toTensor().is_inference();
    marks.push_back({value, counted ? value.toTensor()._version() : 0});
  });
  return marks;
}

bool Session::state_changed() const {
  const auto now = mark_state();
  if (now.size() != loaded_state_.size()) return true;
  for (size_t i = 0; i < now.size(); ++i) {
    const IValue& value = now[i].value;
    const IValue& before = loaded_state_[i].value;
    if (value.isTensor() != before.isTensor()) return true;
    if (value.isTensor()) {
      if (!value.toTensor().is_same(before.toTensor())) return true;
      if (now[i].version != loaded_state_[i].version) return true;
    } else if (is_plain(value) && !(value == before)) {
      return true;
    }
  }
  return false;
}

void Session::restore() {
  if (!state_changed()) return;
  if (!pristine_) pristine_ = load(path_, device_);
  module_ = pristine_->deepcopy();
  loaded_state_ = mark_state();
}

}  // namespace tsharness
