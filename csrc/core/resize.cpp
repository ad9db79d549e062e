#include "core/resize.h"

#include <ATen/ATen.h>

#include "core/error.h"
#include "core/rows.h"

namespace tsharness {

namespace {

at::Tensor resized_tensor(const at::Tensor& tensor, int64_t dim, int64_t size) {
  if (dim >= tensor.dim() || tensor.size(dim) == 0) {
    throw Error(ErrorKind::Usage, "no dim " + std::to_string(dim) + " to resize");
  }
  const auto index = at::arange(size, at::kLong).remainder(tensor.size(dim));
  return tensor.index_select(dim, index.to(tensor.device()));
}

BoundCall resized_batch(const BoundCall& call, int64_t size) {
  const Rows rows(call);
  if (rows.count() == 0) throw Error(ErrorKind::Usage, "no batch to resize");
  std::vector<int64_t> chosen;
  for (int64_t i = 0; i < size; ++i) chosen.push_back(i % rows.count());
  return rows.select(chosen);
}

}  // namespace

BoundCall resized(const BoundCall& call, const Json& change, const Session& session) {
  const auto size = change.at("size").get<int64_t>();
  if (change.at("dims") == "batch") return resized_batch(call, size);
  BoundCall result = call;
  for (const Json& place : change.at("dims")) {
    const auto name = place.at(0).get<std::string>();
    c10::IValue* value = nullptr;
    for (size_t i = 0; i < result.args.size(); ++i) {
      if (session.argument_name(call.method, i) == name) value = &result.args[i];
    }
    if (result.kwargs.count(name) > 0) value = &result.kwargs.at(name);
    if (value == nullptr || !value->isTensor()) {
      throw Error(ErrorKind::Usage, "no tensor argument '" + name + "' to resize");
    }
    *value = resized_tensor(value->toTensor(), place.at(1).get<int64_t>(), size);
  }
  return result;
}

}  // namespace tsharness
