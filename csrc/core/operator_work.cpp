#include "core/operator_work.h"

#include <ATen/ATen.h>
#include <ATen/record_function.h>
#include <torch/csrc/jit/runtime/interpreter.h>

#include <algorithm>
#include <sstream>

#include "core/source_place.h"
#include "core/walk.h"

namespace tsharness {

namespace {

using Tensors = std::vector<at::Tensor>;

void collect(const c10::IValue& value, Tensors& found) {
  ValueVisitor visitor;
  visitor.tensor = [&](const std::string&, const at::Tensor& tensor) {
    if (tensor.defined() && tensor.layout() == at::kStrided) found.push_back(tensor);
  };
  walk_value("", value, visitor);
}

int64_t bytes_of(const Tensors& tensors) {
  int64_t bytes = 0;
  for (const at::Tensor& tensor : tensors) bytes += static_cast<int64_t>(tensor.nbytes());
  return bytes;
}

bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

/// Multiplications and additions, each as one: 2 for every element of a product's inner dim.
int64_t flops_of(const std::string& name, const Tensors& inputs, const Tensors& outputs) {
  if (outputs.empty() || inputs.size() < 2) return 0;
  if (has(name, "conv")) {
    const at::Tensor& weight = inputs[1];
    if (weight.dim() < 3 || weight.size(0) == 0) return 0;
    const at::Tensor& pixels = has(name, "transpose") ? inputs[0] : outputs[0];
    return 2 * pixels.numel() * (weight.numel() / weight.size(0));
  }
  if (has(name, "scaled_dot_product") || has(name, "attention")) {
    if (inputs.size() < 3 || inputs[0].dim() != 4) return 0;
    return 4 * inputs[0].numel() * inputs[1].size(2);
  }
  const bool adds = has(name, "addmm") || has(name, "baddbmm");
  if (!adds && !has(name, "::mm") && !has(name, "::bmm") && !has(name, "linear")) return 0;
  const at::Tensor& left = inputs[adds && inputs.size() > 2 ? 1 : 0];
  return left.dim() == 0 ? 0 : 2 * outputs[0].numel() * left.size(-1);
}

/// Views, and memory that is taken: nothing is read or written.
bool only_arranges(const std::string& name, const Tensors& inputs, const Tensors& outputs) {
  if (has(name, "::empty") || has(name, "::resize") || has(name, "::set_")) return true;
  return std::any_of(outputs.begin(), outputs.end(), [&](const at::Tensor& output) {
    return std::any_of(inputs.begin(), inputs.end(), [&](const at::Tensor& input) {
      return output.is_alias_of(input) && !output.is_same(input);
    });
  });
}

/// Innermost first; a line of torch's own if there is no other.
std::string current_place() {
  std::string innermost;
  for (const torch::jit::StackEntry& entry : torch::jit::currentCallstack()) {
    const std::string place = source_place(entry.range);
    if (!place.empty() && !is_of_torch(place)) return place;
    if (innermost.empty()) innermost = place;
  }
  return innermost;
}

/// Listens to the operators of one thread as long as it lives.
class Listener {
 public:
  Listener() {
    listening = this;
    handle_ = at::addThreadLocalCallback(
        at::RecordFunctionCallback(
            [](const at::RecordFunction& function) -> std::unique_ptr<at::ObserverContext> {
              listening->begin(function);
              return nullptr;
            },
            [](const at::RecordFunction& function, at::ObserverContext*) {
              listening->end(function);
            })
            .needsInputs(true)
            .needsOutputs(true)
            .scopes({at::RecordScope::FUNCTION}));
  }
  ~Listener() { at::removeCallback(handle_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  OperatorWorks& found() { return found_; }

 private:
  struct Open {
    std::vector<OperatorWork>* works;
    size_t index;
    Tensors inputs;
    bool work_inside = false;
    bool product_inside = false;
  };

  void begin(const at::RecordFunction& function) {
    Open one;
    std::vector<std::vector<int64_t>> shapes;
    for (const c10::IValue& value : function.inputs()) {
      collect(value, one.inputs);
      if (value.isTensor() && value.toTensor().defined()) {
        shapes.push_back(value.toTensor().sizes().vec());
      }
    }
    one.works = &found_[{function.name(), shapes_text(shapes)}];
    one.index = one.works->size();
    one.works->push_back({0, 0, current_place()});
    open_.push_back(std::move(one));
  }

  void end(const at::RecordFunction& function) {
    const Open one = std::move(open_.back());
    open_.pop_back();
    Tensors outputs;
    for (const c10::IValue& value : function.outputs()) collect(value, outputs);
    OperatorWork& work = one.works->at(one.index);
    if (!one.product_inside) work.flops = flops_of(function.name(), one.inputs, outputs);
    // A product may copy a bias first, and is one all the same.
    const bool product = work.flops > 0;
    const bool works =
        product || (!one.work_inside && !only_arranges(function.name(), one.inputs, outputs));
    if (works) work.bytes = bytes_of(one.inputs) + bytes_of(outputs);
    if (open_.empty()) return;
    open_.back().work_inside |= works || one.work_inside;
    open_.back().product_inside |= product || one.product_inside;
  }

  static thread_local Listener* listening;
  at::CallbackHandle handle_ = 0;
  std::vector<Open> open_;
  OperatorWorks found_;
};

thread_local Listener* Listener::listening = nullptr;

}  // namespace

OperatorWorks operator_works(const std::function<void()>& call) {
  Listener listener;
  call();
  return std::move(listener.found());
}

std::string shapes_text(const std::vector<std::vector<int64_t>>& shapes) {
  std::ostringstream text;
  for (const std::vector<int64_t>& shape : shapes) {
    if (shape.empty()) continue;
    text << (text.tellp() > 0 ? ", " : "") << c10::IntArrayRef(shape);
  }
  return text.str();
}

}  // namespace tsharness
