#include "core/rows.h"

#include <ATen/ATen.h>

#include "core/error.h"
#include "core/observe.h"
#include "core/walk.h"

namespace tsharness {

namespace {

bool has_dims(const c10::IValue& value) {
  return value.isTensor() && value.toTensor().defined() && value.toTensor().dim() > 0;
}

}  // namespace

template <class Visit>
void Rows::each(BoundCall& call, const std::vector<std::string>& names, Visit&& visit) {
  for (size_t i = 0; i < call.args.size(); ++i) {
    visit(i < names.size() ? names[i] : std::to_string(i), call.args[i]);
  }
  for (auto& item : call.kwargs) visit(item.first, item.second);
}

Rows::Rows(const BoundCall& call) : call_(call) {
  each(call_, names_, [this](const std::string& name, const c10::IValue& value) {
    if (!has_dims(value)) return;
    if (count_ == 0) count_ = value.toTensor().size(0);
    if (value.toTensor().size(0) == count_) dims_[name] = 0;
  });
}

Rows::Rows(const BoundCall& call, const std::map<std::string, int64_t>& dims,
           const std::vector<std::string>& names)
    : call_(call), names_(names), dims_(dims) {
  each(call_, names_, [this](const std::string& name, const c10::IValue& value) {
    const auto found = dims_.find(name);
    if (found == dims_.end()) return;
    const bool there = has_dims(value) && found->second < value.toTensor().dim();
    const int64_t size = there ? value.toTensor().size(found->second) : 0;
    if (count_ == 0) count_ = size;
    if (!there || size != count_) {
      throw Error(ErrorKind::Usage, "argument '" + name + "' has no dim " +
                                        std::to_string(found->second) + " with the batch's rows");
    }
  });
}

template <class Change>
BoundCall Rows::changed(Change&& change) const {
  BoundCall result = call_;
  each(result, names_, [&](const std::string& name, c10::IValue& value) {
    const auto found = dims_.find(name);
    if (found != dims_.end()) value = change(value.toTensor(), found->second).clone();
  });
  return result;
}

BoundCall Rows::select(const std::vector<int64_t>& rows) const {
  return changed(
      [&](const at::Tensor& tensor, int64_t dim) { return select_rows(tensor, rows, dim); });
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
  return changed([&](const at::Tensor& tensor, int64_t dim) {
    auto shape = tensor.sizes().vec();
    shape[static_cast<size_t>(dim)] = more;
    return at::cat({tensor, at::zeros(shape, tensor.options())}, dim);
  });
}

BoundCall Rows::mirrored() const {
  return changed([](const at::Tensor& tensor, int64_t dim) {
    const int64_t last = tensor.dim() - 1;
    const at::Tensor other = last != dim ? tensor.flip({last}) : tensor;
    return at::cat({tensor, other, tensor}, dim);
  });
}

std::vector<NamedTensor> output_tensors(const c10::IValue& outputs) {
  std::vector<NamedTensor> found;
  ValueVisitor visitor;
  visitor.tensor = [&](const std::string& name, const at::Tensor& tensor) {
    if (tensor.layout() == c10::kStrided) found.emplace_back(name, tensor.detach());
  };
  walk_value("output", outputs, visitor);
  return found;
}

at::Tensor select_rows(const at::Tensor& tensor, const std::vector<int64_t>& rows, int64_t dim) {
  const auto index = at::tensor(rows, at::TensorOptions().dtype(at::kLong));
  return tensor.index_select(dim, index.to(tensor.device()));
}

}  // namespace tsharness
