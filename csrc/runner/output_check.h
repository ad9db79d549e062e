#pragma once

#include <ATen/core/Generator.h>

#include <vector>

#include "runner/steps.h"

namespace tsharness {

/// Looks at outputs while a case is timed, so that a fast wrong answer does not win: at those of
/// the first call, and then at as many as a tenth of the time allows. Later calls are only
/// comparable if the case is one call that neither changes the module nor draws random numbers.
class OutputCheck {
 public:
  OutputCheck(const PreparedCase& one, const Session& session);

  /// What the calls of one run gave.
  void look(const std::vector<c10::IValue>& outputs);

  bool passed() const { return differences_.empty(); }
  /// {"checked", "comparable", "differences"}
  Json to_json() const;

 private:
  bool comparable() const;
  void compare(const std::vector<c10::IValue>& outputs);

  const PreparedCase& case_;
  const Session& session_;
  at::Generator generator_;
  at::Tensor generator_state_;  ///< when it began
  double start_;
  double spent_ = 0;  ///< seconds of comparing
  int64_t checked_ = 0;
  bool comparable_ = true;
  Json differences_ = Json::array();  ///< of the first run that had any
};

}  // namespace tsharness
