#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/json.h"
#include "core/observe.h"
#include "core/session.h"

namespace tsharness {

/// What calls do besides giving outputs: facts that need no reference. Over all calls that it saw.
class SideEffects {
 public:
  explicit SideEffects(const Session& session) : session_(session) {}

  /// Call it with the very inputs that the session will be given.
  void before(const BoundCall& call);
  void after(const c10::IValue& outputs);

  /// "changed_inputs" and "changed_state" (names), "input_aliases" and "state_aliases" (output to
  /// what it shares memory with), "nonfinite" (of the first call whose inputs were finite and whose
  /// outputs were not).
  Json to_json() const;

 private:
  const Session& session_;
  std::vector<std::pair<std::string, c10::IValue>> arguments_;
  std::vector<uint64_t> marks_;
  std::set<std::string> changed_inputs_;
  std::map<std::string, std::string> input_aliases_;
  std::map<std::string, std::string> state_aliases_;
  std::vector<Nonfinite> nonfinite_;
};

/// A check of docs/checks.md that calls do not pass, whatever their outputs are.
struct EffectProblem {
  std::string check;
  std::string text;
};

/// What the Python side's checks of the same names say of `SideEffects::to_json`: of a case that is
/// a `sequence` of calls, which may keep state, and of one whose outputs are right and come from
/// somewhere else (`vouched`), which may hold a NaN.
std::vector<EffectProblem> effect_problems(const Json& effects, bool sequence, bool vouched);

/// The arguments by the names that the method's schema gives them.
std::vector<std::pair<std::string, c10::IValue>> named_arguments(const BoundCall& call,
                                                                 const Session& session);

}  // namespace tsharness
