#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/session.h"

namespace tsharness {

/// The rows of a call: indices of a dim that tensors among its arguments have in common, if that is
/// a batch.
class Rows {
 public:
  /// Of the first dim, in every tensor in which it is as long as in the first tensor.
  explicit Rows(const BoundCall& call);
  /// Of the dims that are named by argument; `names` are those of the positional ones. Raises
  /// Error(Usage) for a dim that an argument does not have, or of another size than the first.
  Rows(const BoundCall& call, const std::map<std::string, int64_t>& dims,
       const std::vector<std::string>& names);

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
  /// Calls `visit(name, value)` for every argument; a positional one has its name from `names`.
  template <class Visit>
  static void each(BoundCall& call, const std::vector<std::string>& names, Visit&& visit);
  template <class Change>
  BoundCall changed(Change&& change) const;

  BoundCall call_;
  int64_t count_ = 0;
  std::vector<std::string> names_;
  std::map<std::string, int64_t> dims_;  ///< by the argument's name, where its rows are
};

/// A tensor among the outputs, by its name.
using NamedTensor = std::pair<std::string, at::Tensor>;

/// The strided tensors among the outputs.
std::vector<NamedTensor> output_tensors(const c10::IValue& outputs);

/// Indices of a tensor's dim, chosen by number.
at::Tensor select_rows(const at::Tensor& tensor, const std::vector<int64_t>& rows, int64_t dim = 0);

}  // namespace tsharness
