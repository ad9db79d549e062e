#include "runner/output_check.h"

#include <ATen/Context.h>

#include "core/clock.h"

namespace tsharness {

namespace {

constexpr double kShare = 0.1;  // of the time

}  // namespace

OutputCheck::OutputCheck(const PreparedCase& one, const Session& session)
    : case_(one),
      session_(session),
      generator_(at::globalContext().defaultGenerator(session.device())),
      generator_state_(generator_.get_state()),
      start_(now_seconds()) {}

bool OutputCheck::comparable() const {
  return case_.calls() == 1 && session_.changed_state().empty() &&
         at::equal(generator_.get_state(), generator_state_);
}

void OutputCheck::look(const std::vector<c10::IValue>& outputs) {
  if (!comparable_ || !passed()) return;
  const double start = now_seconds();
  if (checked_ > 0) {
    if (spent_ > kShare * (start - start_)) return;
    comparable_ = comparable();
  }
  if (comparable_) compare(outputs);
  spent_ += now_seconds() - start;
}

void OutputCheck::finish(const std::vector<c10::IValue>& outputs, const Session& session) {
  if (!passed()) return;
  const Json found = differences_of(outputs);
  const auto changed = session.changed_state();
  if (!found.empty() && !changed.empty()) {
    changed_.insert(changed.begin(), changed.end());
    return;
  }
  ++checked_;
  for (const Json& one : found) {
    differences_.push_back("behind the timed calls: " + one.get<std::string>());
  }
}

void OutputCheck::compare(const std::vector<c10::IValue>& outputs) {
  ++checked_;
  differences_ = differences_of(outputs);
}

Json OutputCheck::differences_of(const std::vector<c10::IValue>& outputs) const {
  Json found = Json::array();
  for (size_t call = 0; call < outputs.size(); ++call) {
    for (const OutputComparison& one : case_.compare(call, outputs[call])) {
      if (!one.passed) found.push_back(one.name + " " + one.reason);
    }
  }
  return found;
}

Json OutputCheck::to_json() const {
  return {{"checked", checked_},
          {"comparable", comparable_},
          {"differences", differences_},
          {"changed", changed_}};
}

}  // namespace tsharness
