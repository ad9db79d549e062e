#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

#include "core/session.h"

namespace tsharness {

/// Tensors among a call's arguments that have a first dim of one common size: that of the first
/// tensor. If that dim is a batch, its indices are rows.
class Rows {
 public:
  explicit Rows(const BoundCall& call);

  /// 0 if no argument is a tensor with a dim.
  int64_t count() const { return count_; }
  /// True if the first and the last row are not the same: what does not differ shows no relation.
  bool differ() const;
  /// The call with rows chosen by their numbers, each as often as it is named.
  BoundCall select(const std::vector<int64_t>& rows) const;
  /// The call with `more` rows of zeros behind its own.
  BoundCall padded(int64_t more) const;
  /// Of one row: itself, the same with its last dim reversed (other values, the same set of them),
  /// and itself again.
  BoundCall mirrored() const;

 private:
  template <class Change>
  BoundCall changed(Change&& change) const;

  BoundCall call_;
  int64_t count_ = 0;
};

/// A tensor among the outputs, by its name.
using NamedTensor = std::pair<std::string, at::Tensor>;

/// The output tensors whose first dim has `rows` indices.
std::vector<NamedTensor> outputs_with_rows(const c10::IValue& outputs, int64_t rows);

/// Rows of a tensor, chosen by number.
at::Tensor select_rows(const at::Tensor& tensor, const std::vector<int64_t>& rows);

}  // namespace tsharness
