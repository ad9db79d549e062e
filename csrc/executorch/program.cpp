#include "executorch/program.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "core/error.h"

namespace tsharness {

namespace {

using Value = ExecutorchValue;

/// `kept` keeps alive what had to be copied: the runtime reads contiguous tensors.
Value input_of(const c10::IValue& argument, std::vector<at::Tensor>& kept) {
  Value value;
  if (argument.isTensor()) {
    kept.push_back(argument.toTensor().contiguous());
    const at::Tensor& tensor = kept.back();
    value.type = Value::Type::Tensor;
    value.data = tensor.data_ptr();
    value.dtype = static_cast<int>(tensor.scalar_type());
    value.sizes = tensor.sizes().vec();
  } else if (argument.isInt()) {
    value.type = Value::Type::Int;
    value.integer = argument.toInt();
  } else if (argument.isBool()) {
    value.type = Value::Type::Bool;
    value.integer = argument.toBool() ? 1 : 0;
  } else if (argument.isDouble()) {
    value.type = Value::Type::Double;
    value.number = argument.toDouble();
  } else {
    value.type = Value::Type::String;
  }
  return value;
}

c10::IValue output_of(const Value& value) {
  switch (value.type) {
    case Value::Type::Int:
      return value.integer;
    case Value::Type::Bool:
      return value.integer != 0;
    case Value::Type::Double:
      return value.number;
    case Value::Type::String:
      return value.text;
    case Value::Type::Tensor:
      return at::from_blob(value.data, value.sizes, value.strides,
                           at::TensorOptions(static_cast<at::ScalarType>(value.dtype)))
          .clone();
    default:
      return {};
  }
}

c10::Device checked_device(c10::Device device) {
  if (device.is_cpu()) return device;
  throw Error(ErrorKind::Device, "ExecuTorch programs run on the CPU here, not on " + device.str());
}

}  // namespace

ExecutorchProgram::ExecutorchProgram(const std::string& path, c10::Device device)
    : path_(path), device_(checked_device(device)), module_(path) {}

std::vector<MethodInfo> ExecutorchProgram::methods() const {
  std::vector<MethodInfo> found;
  for (const ExecutorchMethod& one : module_.methods()) found.push_back({one.name, ""});
  return found;
}

c10::IValue ExecutorchProgram::call(const std::string& method,
                                    const std::vector<c10::IValue>& arguments) const {
  const auto& known = module_.methods();
  if (std::none_of(known.begin(), known.end(),
                   [&](const ExecutorchMethod& one) { return one.name == method; })) {
    no_such_method(*this, method);
  }
  std::vector<at::Tensor> kept;
  kept.reserve(arguments.size());
  std::vector<Value> inputs;
  for (const c10::IValue& argument : arguments) inputs.push_back(input_of(argument, kept));
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<c10::IValue> outputs;
  for (const Value& value : module_.execute(method, inputs, at::get_num_threads() == 1)) {
    outputs.push_back(output_of(value));
  }
  return c10::ivalue::Tuple::create(std::move(outputs));
}

std::unique_ptr<Program> ExecutorchProgram::clone() const {
  return std::make_unique<ExecutorchProgram>(path_, device_);
}

Json ExecutorchProgram::facts() const {
  Json methods = Json::object();
  for (const ExecutorchMethod& one : module_.methods()) {
    methods[one.name] = {{"inputs", one.inputs},
                         {"outputs", one.outputs},
                         {"backends", one.backends},
                         {"planned_bytes", one.planned_bytes}};
  }
  return {{"methods", methods}, {"program_bytes", std::filesystem::file_size(path_)}};
}

bool holds_executorch_program(const std::string& path) {
  // Bytes 4 to 7 of a flatbuffer are its identifier: "ET" and two digits of the format's version
  // (schema/program.fbs).
  char start[8] = "";
  std::ifstream(path, std::ios::binary).read(start, sizeof start);
  return start[4] == 'E' && start[5] == 'T' && start[6] >= '0' && start[6] <= '9';
}

}  // namespace tsharness
