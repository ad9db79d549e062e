#include "core/rows.h"

#include <ATen/ATen.h>

#include "core/observe.h"
#include "core/walk.h"

namespace tsharness {

namespace {

bool has_rows(const c10::IValue& value, int64_t count) {
  return value.isTensor() && value.toTensor().defined() && value.toTensor().dim() > 0 &&
         value.toTensor().size(0) == count;
}

}  // namespace

Rows::Rows(const BoundCall& call) : call_(call) {
  const auto look = [this](const c10::IValue& value) {
    if (count_ == 0 && value.isTensor() && value.toTensor().dim() > 0) {
      count_ = value.toTensor().size(0);
    }
  };
  for (const auto& value : call_.args) look(value);
  for (const auto& item : call_.kwargs) look(item.second);
}

template <class Change>
BoundCall Rows::changed(Change&& change) const {
  BoundCall result = call_;
  const auto apply = [&](c10::IValue& value) {
    if (has_rows(value, count_)) value = change(value.toTensor()).clone();
  };
  for (auto& value : result.args) apply(value);
  for (auto& item : result.kwargs) apply(item.second);
  return result;
}

BoundCall Rows::select(const std::vector<int64_t>& rows) const {
  return changed([&](const at::Tensor& tensor) { return select_rows(tensor, rows); });
}

bool Rows::differ() const {
  const auto mark = [](const BoundCall& call) {
    uint64_t sum = 0;
    for (const auto& value : call.args) sum = sum * 31 + fingerprint(value);
    for (const auto& item : call.kwargs) sum += fingerprint(item.second);
    return sum;
  };
  return count_ > 0 && mark(select({0})) != mark(select({count_ - 1}));
}

BoundCall Rows::padded(int64_t more) const {
  return changed([&](const at::Tensor& tensor) {
    auto shape = tensor.sizes().vec();
    shape[0] = more;
    return at::cat({tensor, at::zeros(shape, tensor.options())});
  });
}

BoundCall Rows::mirrored() const {
  return changed([](const at::Tensor& tensor) {
    const at::Tensor other = tensor.dim() > 1 ? tensor.flip({tensor.dim() - 1}) : tensor;
    return at::cat({tensor, other, tensor});
  });
}

std::vector<NamedTensor> outputs_with_rows(const c10::IValue& outputs, int64_t rows) {
  std::vector<NamedTensor> found;
  ValueVisitor visitor;
  visitor.tensor = [&](const std::string& name, const at::Tensor& tensor) {
    if (tensor.layout() == c10::kStrided && tensor.dim() > 0 && tensor.size(0) == rows) {
      found.emplace_back(name, tensor.detach());
    }
  };
  walk_value("output", outputs, visitor);
  return found;
}

at::Tensor select_rows(const at::Tensor& tensor, const std::vector<int64_t>& rows) {
  const auto index = at::tensor(rows, at::TensorOptions().dtype(at::kLong));
  return tensor.index_select(0, index.to(tensor.device()));
}

}  // namespace tsharness
