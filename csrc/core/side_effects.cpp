#include "core/side_effects.h"

namespace tsharness {

namespace {

/// Names, or what is named in the field of each.
std::string listed(const Json& list, const char* field = nullptr) {
  std::string text;
  for (const Json& one : list) {
    const Json& name = field == nullptr ? one : one.at(field);
    text += (text.empty() ? "" : ", ") + name.get<std::string>();
  }
  return text;
}

}  // namespace

std::vector<std::pair<std::string, c10::IValue>> named_arguments(const BoundCall& call,
                                                                 const Session& session) {
  std::vector<std::pair<std::string, c10::IValue>> named;
  for (size_t i = 0; i < call.args.size(); ++i) {
    named.emplace_back(session.argument_name(call.method, i), call.args[i]);
  }
  named.insert(named.end(), call.kwargs.begin(), call.kwargs.end());
  return named;
}

void SideEffects::before(const BoundCall& call) {
  arguments_ = named_arguments(call, session_);
  marks_.clear();
  for (const auto& argument : arguments_) marks_.push_back(fingerprint(argument.second));
}

void SideEffects::after(const c10::IValue& outputs) {
  bool finite = true;
  for (size_t i = 0; i < arguments_.size(); ++i) {
    const auto& [name, value] = arguments_[i];
    if (fingerprint(value) != marks_[i]) changed_inputs_.insert(name);
    finite = finite && find_nonfinite(name, value).empty();
    for (const Alias& alias : find_aliases("output", outputs, name, value)) {
      input_aliases_.emplace(alias.name, alias.other);
    }
  }
  if (finite && nonfinite_.empty()) nonfinite_ = find_nonfinite("output", outputs);
  for (const Alias& alias : find_aliases("output", outputs, "", session_.state())) {
    state_aliases_.emplace(alias.name, alias.other);
  }
  arguments_.clear();
}

Json SideEffects::to_json() const {
  Json nonfinite = Json::array();
  for (const Nonfinite& one : nonfinite_) {
    nonfinite.push_back({{"name", one.name}, {"nan", one.nan}, {"infinite", one.infinite}});
  }
  return {{"changed_inputs", changed_inputs_},
          {"changed_state", session_.changed_state()},
          {"input_aliases", input_aliases_},
          {"state_aliases", state_aliases_},
          {"nonfinite", nonfinite}};
}

std::vector<EffectProblem> effect_problems(const Json& effects, bool sequence, bool vouched) {
  std::vector<EffectProblem> problems;
  const Json& inputs = effects.at("changed_inputs");
  if (!inputs.empty()) {
    problems.push_back({"inputs-unchanged", "a call writes to its input " + listed(inputs)});
  }
  const Json& state = effects.at("changed_state");
  if (!state.empty() && !sequence) {
    problems.push_back({"state", "a call changes the module: " + listed(state)});
  }
  for (const auto& [output, other] : effects.at("state_aliases").items()) {
    problems.push_back(
        {"aliasing", output + " shares its memory with " + other.get<std::string>()});
  }
  const Json& nonfinite = effects.at("nonfinite");
  if (!nonfinite.empty() && !vouched) {
    problems.push_back(
        {"finite", "NaN or infinity from finite inputs: " + listed(nonfinite, "name")});
  }
  return problems;
}

}  // namespace tsharness
