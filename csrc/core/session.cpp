#include "core/session.h"

#include <algorithm>

#include "core/devices.h"
#include "core/error.h"
#include "core/flat_values.h"
#include "core/prepared_call.h"
#include "core/value_tree.h"
#include "core/walk.h"

namespace tsharness {

namespace {

using c10::IValue;

bool is_plain(const IValue& value) {
  return value.isNone() || value.isBool() || value.isInt() || value.isDouble() || value.isString();
}

std::unique_ptr<Program> load(const std::string& path, c10::Device device, const Cast& cast,
                              const std::string& kind) {
  auto program =
      translating_errors(ErrorKind::Artifact, [&] { return load_program(path, device, kind); });
  if (cast.changes_something()) {
    if (program->flat()) {
      throw Error(ErrorKind::Usage, "an artifact of kind " + program->kind() +
                                        " cannot be converted: its dtypes are part of its code");
    }
    ValueVisitor visitor;
    visitor.tensor = [&](const std::string&, const at::Tensor& tensor) {
      if (tensor.is_floating_point()) at::Tensor(tensor).set_data(cast(tensor));
    };
    walk_value("", program->state(), visitor);
  }
  return program;
}

}  // namespace

BoundCall BoundCall::clone(c10::Device device) const {
  BoundCall copy{method, {}, {}};
  for (const IValue& value : args) copy.args.push_back(clone_value(value, device));
  for (const auto& [name, value] : kwargs) copy.kwargs.emplace(name, clone_value(value, device));
  return copy;
}

Session::Session(const std::string& path, c10::Device device, const Cast& cast,
                 const std::string& kind)
    : path_(path),
      device_(device),
      cast_(cast),
      kind_(kind),
      program_(load(path, device, cast, kind)),
      loaded_state_(mark_state()) {}

Session::Session(const Session& from, std::unique_ptr<Program> program)
    : path_(from.path_),
      device_(from.device_),
      cast_(from.cast_),
      kind_(from.kind_),
      program_(std::move(program)),
      loaded_state_(mark_state()) {}

Session Session::clone() const { return {*this, program_->clone()}; }

std::shared_ptr<const Program> Session::shared_program() const {
  *used_ = true;
  return program_;
}

const torch::jit::Module& Session::module() const {
  const torch::jit::Module* module = program_->module();
  if (module == nullptr) {
    throw Error(ErrorKind::Usage, "an artifact of kind " + kind() + " has no graphs to look at");
  }
  return *module;
}

int64_t Session::parameter_count() const {
  int64_t count = 0;
  for (const at::Tensor& parameter : program_->parameters()) count += parameter.numel();
  return count;
}

int64_t Session::parameter_bytes() const {
  int64_t bytes = 0;
  for (const at::Tensor& parameter : program_->parameters()) {
    bytes += static_cast<int64_t>(parameter.numel() * parameter.element_size());
  }
  return bytes;
}

BoundCall Session::bind(const Call& call, const SafetensorsReader& tensors) const {
  BoundCall bound = program_->flat() ? bind_leaves(call, tensors) : bind_by_schema(call, tensors);
  if (cast_.changes_something()) {
    for (IValue& value : bound.args) value = map_tensors(value, cast_);
    for (auto& item : bound.kwargs) item.second = map_tensors(item.second, cast_);
  }
  return bound;
}

BoundCall Session::bind_leaves(const Call& call, const SafetensorsReader& tensors) const {
  BoundCall bound{call.method, {}, {}};
  for (const Json& node : call.args) add_leaves(decode_value(node, tensors), bound.args);
  if (call.kwargs.empty()) return bound;
  const auto names = argument_names(call.method);
  for (const std::string& name : names) {
    if (call.kwargs.contains(name)) {
      add_leaves(decode_value(call.kwargs.at(name), tensors), bound.args);
    }
  }
  for (const auto& item : call.kwargs.items()) {
    if (std::find(names.begin(), names.end(), item.key()) != names.end()) continue;
    throw Error(ErrorKind::Input, "the case calls it with a keyword, " + item.key() +
                                      ", of which an artifact of kind " + kind() +
                                      " knows nothing; record the case with positional arguments");
  }
  return bound;
}

BoundCall Session::bind_by_schema(const Call& call, const SafetensorsReader& tensors) const {
  const c10::FunctionSchema target = schema(call.method);
  const auto& arguments = target.arguments();
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

IValue Session::arranged(const IValue& outputs, const IValue& like) const {
  if (!program_->flat()) return outputs;
  std::vector<IValue> leaves;
  add_leaves(outputs, leaves);
  return arranged_like(like, leaves);
}

std::vector<std::string> Session::argument_names(const std::string& method) const {
  const auto known = names_.find(method);
  return known == names_.end() ? program_->argument_names(method) : known->second;
}

void Session::name_arguments(const Json& signature) {
  if (!program_->flat() || !signature.is_object()) return;
  for (const auto& [method, facts] : signature.items()) {
    if (!facts.is_object() || !facts.contains("arguments")) continue;
    std::vector<std::string> names;
    for (const Json& one : facts["arguments"]) names.push_back(one.value("name", std::string()));
    names_[method] = names;
  }
}

std::string Session::argument_name(const std::string& method, size_t i) const {
  if (!program_->flat()) return schema(method).arguments().at(i + 1).name();
  const auto names = argument_names(method);
  return i < names.size() ? names[i] : "input" + std::to_string(i);
}

IValue Session::run(const BoundCall& call, GradMode mode) const {
  const PreparedCall prepared(*this, call);
  const GradGuard guard(mode);
  return translating_errors(ErrorKind::Execution, [&] { return prepared(); });
}

void Session::synchronize() const { synchronize_device(device_); }

std::vector<Session::StateMark> Session::mark_state() const {
  std::vector<StateMark> marks;
  ValueVisitor visitor;
  visitor.tensor = [&](const std::string& name, const at::Tensor& tensor) {
    marks.push_back({name, tensor, tensor.is_inference() ? 0 : int64_t{tensor._version()}});
  };
  visitor.leaf = [&](const std::string& name, const IValue& value) {
    marks.push_back({name, value});
  };
  walk_value("", state(), visitor);
  size_t number = 0;
  for (const at::Tensor& constant : program_->constants()) {
    visitor.tensor("constant " + std::to_string(number++) + " of the code", constant);
  }
  return marks;
}

bool Session::StateMark::same_as(const StateMark& other) const {
  if (value.isTensor() != other.value.isTensor()) return false;
  if (value.isTensor()) {
    return value.toTensor().is_same(other.value.toTensor()) && version == other.version;
  }
  return !is_plain(value) || value == other.value;
}

std::vector<std::string> Session::changed_state() const {
  const auto now = mark_state();
  std::map<std::string, const StateMark*> before;
  for (const StateMark& mark : loaded_state_) before.emplace(mark.name, &mark);
  std::vector<std::string> changed;
  for (const StateMark& mark : now) {
    const auto known = before.find(mark.name);
    if (known == before.end() || !mark.same_as(*known->second)) changed.push_back(mark.name);
    if (known != before.end()) before.erase(known);
  }
  for (const auto& gone : before) changed.push_back(gone.first);
  return changed;
}

void Session::restore() {
  // What a flat program keeps from call to call, nobody can look at.
  const bool changed = program_->flat() ? used_->load() : !changed_state().empty();
  if (!changed) return;
  if (!pristine_) pristine_ = load(path_, device_, cast_, kind_);
  program_ = pristine_->clone();
  *used_ = false;
  loaded_state_ = mark_state();
}

}  // namespace tsharness
