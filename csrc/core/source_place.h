#pragma once

#include <torch/csrc/jit/frontend/source_range.h>

#include <string>

namespace tsharness {

/// "model.py:14" of the user's source, from which the archive's own code was generated; empty if
/// nothing is known.
std::string source_place(const torch::jit::SourceRange& range);

/// Whether a place lies in torch's own code: who reads it looks for a line to change.
bool is_of_torch(const std::string& place);

}  // namespace tsharness
