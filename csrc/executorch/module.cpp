#include "executorch/module.h"

#include <executorch/extension/module/module.h>
#include <executorch/extension/tensor/tensor.h>
#include <executorch/extension/threadpool/threadpool_guard.h>
#include <executorch/runtime/platform/platform.h>

#include <mutex>
#include <optional>
#include <stdexcept>

namespace tsharness {

namespace {

using executorch::extension::TensorPtr;
using executorch::extension::threadpool::NoThreadPoolGuard;
using executorch::runtime::EValue;
using Value = ExecutorchValue;

/// What the runtime logged last: an error code alone says little.
class Log {
 public:
  static Log& instance() {
    static Log log;
    return log;
  }
  void add(char level, const std::string& message) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (level == 'E' || level == 'F') last_ = message;
  }
  std::string take() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return std::exchange(last_, {});
  }

 private:
  std::mutex mutex_;
  std::string last_;
};

void keep_message(et_timestamp_t, et_pal_log_level_t level, const char*, const char*, size_t,
                  const char* message, size_t length) {
  Log::instance().add(static_cast<char>(level), std::string(message, length));
}

[[noreturn]] void fail(const std::string& what, executorch::runtime::Error error) {
  const std::string said = Log::instance().take();
  throw std::runtime_error(what + ": " + executorch::runtime::to_string(error) +
                           (said.empty() ? "" : " (" + said + ")"));
}

template <typename T>
T checked(executorch::runtime::Result<T> result, const std::string& what) {
  if (!result.ok()) fail(what, result.error());
  return std::move(result.get());
}

/// Keeps the tensors that it made alive.
class Inputs {
 public:
  explicit Inputs(const std::vector<Value>& values) {
    for (const Value& value : values) values_.push_back(convert(value));
  }
  const std::vector<EValue>& values() const { return values_; }

 private:
  EValue convert(const Value& value) {
    switch (value.type) {
      case Value::Type::Int:
        return EValue(value.integer);
      case Value::Type::Bool:
        return EValue(value.integer != 0);
      case Value::Type::Double:
        return EValue(value.number);
      case Value::Type::Tensor:
        break;
      default:
        throw std::runtime_error("takes tensors and numbers, not a string");
    }
    std::vector<executorch::aten::SizesType> sizes(value.sizes.begin(), value.sizes.end());
    tensors_.push_back(executorch::extension::from_blob(
        value.data, std::move(sizes), static_cast<executorch::aten::ScalarType>(value.dtype)));
    return EValue(*tensors_.back());
  }

  std::vector<TensorPtr> tensors_;
  std::vector<EValue> values_;
};

Value output_of(const EValue& value) {
  Value output;
  if (value.isInt()) {
    output.type = Value::Type::Int;
    output.integer = value.toInt();
  } else if (value.isBool()) {
    output.type = Value::Type::Bool;
    output.integer = value.toBool() ? 1 : 0;
  } else if (value.isDouble()) {
    output.type = Value::Type::Double;
    output.number = value.toDouble();
  } else if (value.isString()) {
    output.type = Value::Type::String;
    output.text = std::string(value.toString());
  } else if (value.isTensor()) {
    const auto& tensor = value.toTensor();
    output.type = Value::Type::Tensor;
    output.data = tensor.mutable_data_ptr();
    output.dtype = static_cast<int>(tensor.scalar_type());
    output.sizes.assign(tensor.sizes().begin(), tensor.sizes().end());
    output.strides.assign(tensor.strides().begin(), tensor.strides().end());
  }
  return output;
}

ExecutorchMethod described(const std::string& name, const executorch::runtime::MethodMeta& meta) {
  ExecutorchMethod method;
  method.name = name;
  method.inputs = meta.num_inputs();
  method.outputs = meta.num_outputs();
  for (size_t i = 0; i < meta.num_backends(); ++i) {
    method.backends.emplace_back(checked(meta.get_backend_name(i), "its backends"));
  }
  for (size_t i = 0; i < meta.num_memory_planned_buffers(); ++i) {
    method.planned_bytes.push_back(checked(meta.memory_planned_buffer_size(i), "its memory plan"));
  }
  return method;
}

}  // namespace

struct ExecutorchModule::Runtime {
  explicit Runtime(const std::string& path)
      : module(path, executorch::extension::Module::LoadMode::Mmap) {}
  executorch::extension::Module module;
};

ExecutorchModule::ExecutorchModule(const std::string& path) {
  static const bool registered = executorch::runtime::register_pal(
      executorch::runtime::PalImpl::create(keep_message, __FILE__));
  (void)registered;
  runtime_ = std::make_unique<Runtime>(path);
  const auto error = runtime_->module.load();
  if (error != executorch::runtime::Error::Ok) fail("is no program that this runtime reads", error);
  for (const std::string& name : checked(runtime_->module.method_names(), "its methods")) {
    methods_.push_back(described(name, checked(runtime_->module.method_meta(name), name)));
    const auto prepared = runtime_->module.load_method(name);
    if (prepared != executorch::runtime::Error::Ok) fail(name + " cannot be prepared", prepared);
  }
}

ExecutorchModule::~ExecutorchModule() = default;

std::vector<ExecutorchValue> ExecutorchModule::execute(const std::string& method,
                                                       const std::vector<ExecutorchValue>& inputs,
                                                       bool alone) {
  std::optional<NoThreadPoolGuard> guard;
  if (alone) guard.emplace();
  const Inputs converted(inputs);
  const auto result = checked(runtime_->module.execute(method, converted.values()), method);
  std::vector<Value> outputs;
  for (const EValue& value : result) outputs.push_back(output_of(value));
  return outputs;
}

}  // namespace tsharness
