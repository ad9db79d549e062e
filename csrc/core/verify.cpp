#include "core/verify.h"

#include "core/devices.h"
#include "core/error.h"
#include "core/integrity.h"
#include "core/prepared_case.h"
#include "core/side_effects.h"

namespace tsharness {

namespace {

CaseFile read_cases(const std::string& path, const std::string& stated) {
  const auto location = stated.empty() ? locate_cases(path) : CaseFileLocation{stated};
  if (!location) {
    throw Error(ErrorKind::Usage,
                "no cases inside it or beside it, so there is nothing to compare");
  }
  return CaseFile(*location);
}

/// The first call that did not give what it should, or what else calls did that they should not, in
/// words; empty if there is nothing.
std::string first_problem(const Case& one, const PreparedCase& prepared, Session& session,
                          int repetitions) {
  SideEffects effects(session);
  for (int repetition = 0; repetition < repetitions; ++repetition) {
    if (repetition == 0 || prepared.calls() > 1) session.restore();
    for (size_t call = 0; call < prepared.calls(); ++call) {
      const BoundCall inputs = prepared.inputs(call);
      effects.before(inputs);
      const c10::IValue actual = session.run(inputs);
      effects.after(prepared.arranged(call, actual));
      for (const OutputComparison& output : prepared.compare(call, actual)) {
        if (!output.passed) return output.name + " " + output.reason;
      }
    }
  }
  const bool vouched = one.origin == "eager" || one.origin == "file";
  const auto problems = effect_problems(effects.to_json(), prepared.calls() > 1, vouched);
  return problems.empty() ? "" : problems.front().text + " (" + problems.front().check + ")";
}

CaseVerdict verdict_of(const Case& one, const CaseFile& file, Session& session, int calls) {
  try {
    const PreparedCase prepared(one, file.tensors(), session);
    return {one.name, first_problem(one, prepared, session, calls)};
  } catch (...) {
    return {one.name, current_error(ErrorKind::Execution).what()};
  }
}

}  // namespace

bool Verification::passed() const {
  if (!problem.empty() || cases.empty()) return false;
  for (const CaseVerdict& one : cases) {
    if (!one.problem.empty()) return false;
  }
  return true;
}

std::string Verification::text() const {
  std::string text = (passed() ? "PASS  " : "FAIL  ") + artifact;
  if (!problem.empty()) text += ": " + problem;
  for (const CaseVerdict& one : cases) {
    if (!one.problem.empty()) text += "\n      case " + one.name + ": " + one.problem;
  }
  return passed() ? text + ": " + std::to_string(cases.size()) + " cases" : text;
}

Verification verify_artifact(const std::string& path, const VerifyOptions& options) {
  Verification result{path, "", {}};
  try {
    if (options.calls < 1) throw Error(ErrorKind::Usage, "'calls' must be at least 1");
    const CaseFile file = read_cases(path, options.cases);
    const std::string damage = options.checksums ? damage_of(path, file) : "";
    if (!damage.empty()) throw Error(ErrorKind::Artifact, damage);
    if (file.cases().empty()) throw Error(ErrorKind::Usage, "the case file has no cases");
    Session session(path, available_device(options.device));
    for (const Case& one : file.cases()) {
      result.cases.push_back(verdict_of(one, file, session, options.calls));
    }
  } catch (...) {
    result.problem = current_error(ErrorKind::Artifact).what();
  }
  return result;
}

}  // namespace tsharness
