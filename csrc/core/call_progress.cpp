#include "core/call_progress.h"

#include <ATen/ATen.h>

#include <exception>

#include "core/dtype.h"

namespace tsharness {

namespace {

/// What an operator was given: it is known when it begins, and gone when it ends.
struct Given : at::ObserverContext {
  std::vector<c10::IValue> inputs;
};

struct Counts {
  int64_t* begun = nullptr;
  Json* raised = nullptr;
};

// The callbacks are plain functions.
thread_local Counts counts;

Json tensor_facts(const at::Tensor& tensor) {
  if (!tensor.defined()) return {};
  return {{"dims", tensor.sizes().vec()}, {"dtype", dtype_of(tensor.scalar_type()).name}};
}

Json facts(const c10::IValue& value) {
  if (value.isTensor()) return tensor_facts(value.toTensor());
  if (value.isTensorList() && !value.toTensorVector().empty()) {
    return tensor_facts(value.toTensorVector().front());
  }
  return {};
}

std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction& function) {
  ++*counts.begun;
  auto given = std::make_unique<Given>();
  for (const c10::IValue& input : function.inputs()) given->inputs.push_back(input);
  return given;
}

/// The inner operators end first when an exception passes: what stays is the outermost.
void end(const at::RecordFunction& function, at::ObserverContext* context) {
  if (std::uncaught_exceptions() == 0) return;
  Json inputs = Json::array();
  for (const c10::IValue& input : static_cast<Given*>(context)->inputs) {
    inputs.push_back(facts(input));
  }
  *counts.raised = {{"op", function.name()}, {"inputs", inputs}};
}

}  // namespace

CallProgress::CallProgress() {
  counts = {&begun_, &raised_};
  handle_ = at::addThreadLocalCallback(
      at::RecordFunctionCallback(begin, end).needsInputs(true).scopes({at::RecordScope::FUNCTION}));
}

CallProgress::~CallProgress() {
  at::removeCallback(handle_);
  counts = {};
}

}  // namespace tsharness
