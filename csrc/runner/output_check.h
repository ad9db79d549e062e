#pragma once

#include <ATen/core/Generator.h>

#include <set>
#include <string>
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

  /// Behind the timing: what one more run gave, of fresh inputs and with the case's random numbers,
  /// on a session that may be a copy of the module. A module that has changed may rightly give
  /// something else: what changed is told then, and nothing is judged.
  void finish(const std::vector<c10::IValue>& outputs, const Session& session);

  bool passed() const { return differences_.empty(); }
  /// {"checked", "comparable", "differences", "changed"}
  Json to_json() const;

 private:
  bool comparable() const;
  void compare(const std::vector<c10::IValue>& outputs);
  Json differences_of(const std::vector<c10::IValue>& outputs) const;

  const PreparedCase& case_;
  const Session& session_;
  at::Generator generator_;
  at::Tensor generator_state_;  ///< when it began
  double start_;
  double spent_ = 0;  ///< seconds of comparing
  int64_t checked_ = 0;
  bool comparable_ = true;
  Json differences_ = Json::array();  ///< of the first run that had any
  std::set<std::string> changed_;     ///< of the module, where the last run gave something else
};

}  // namespace tsharness
