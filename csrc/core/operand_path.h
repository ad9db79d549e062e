#pragma once

#include <deque>
#include <functional>
#include <vector>

#include "core/operator_hints.h"

namespace tsharness {

/// A value on its way from an argument to an operator, with what was done to its dims.
struct OperandPath {
  /// Turns the dims that an operator asks for into those before a step; `ellipsis` as in
  /// OperandHint. False if that cannot be told.
  using Step = std::function<bool(Dims& dims, bool ellipsis)>;

  const torch::jit::Value* value;
  std::vector<Step> steps;

  /// A hint for the argument itself, as JSON: without dims where they cannot be told.
  Json at_its_start(const OperandHint& hint) const;

  /// Adds to `open` what a use of the value hands on.
  void follow(const torch::jit::Node& user, size_t offset, const OperatorHints& operators,
              std::deque<OperandPath>& open) const;

 private:
  OperandPath then(const torch::jit::Value* next, const Step& step) const;
  void leave_block(const torch::jit::Node& end, size_t offset, std::deque<OperandPath>& open) const;
};

}  // namespace tsharness
