#pragma once

#include <ATen/core/ivalue.h>

#include <vector>

namespace tsharness {

// Kinds of artifact whose files keep no containers take the leaves of their arguments, and give
// leaves. The leaves of a value are its tensors, numbers and strings in order, without None.

/// Adds a value's leaves.
void add_leaves(const c10::IValue& value, std::vector<c10::IValue>& leaves);

/// The leaves, in the containers of `like`; a number takes the place of a number although it comes
/// as a tensor of one element. Raises Error(Execution) if there are more or fewer than in `like`.
c10::IValue arranged_like(const c10::IValue& like, const std::vector<c10::IValue>& leaves);

}  // namespace tsharness
