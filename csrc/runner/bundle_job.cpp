#include "runner/bundle_job.h"

#include <unistd.h>

#include <algorithm>
#include <set>

namespace tsharness {

void place(Json& node, const Places& places) {
  if (node.is_structured()) {
    for (Json& child : node) place(child, places);
  } else if (node.is_string()) {
    auto& text = node.get_ref<std::string&>();
    for (const auto& [name, path] : places) {
      if (text.rfind(name, 0) == 0) text = path + text.substr(name.size());
    }
  }
}

std::vector<std::string> environment_of(const Json& bundle, const Json& entry,
                                        const std::string& scratch) {
  const auto kept = bundle.at("kept_variables").get<std::vector<std::string>>();
  std::vector<std::string> result = {"HOME=" + scratch, "TMPDIR=" + scratch};
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    const bool keep = std::any_of(kept.begin(), kept.end(), [&](const std::string& prefix) {
      return text.rfind(prefix, 0) == 0;
    });
    if (keep && !entry.at("environment").contains(text.substr(0, text.find('=')))) {
      result.push_back(text);
    }
  }
  for (const auto& [name, value] : entry.at("environment").items()) {
    result.push_back(name + "=" + value.get<std::string>());
  }
  return result;
}

Json steps_left(const Json& steps, const Ending& ending) {
  Json begun = Json::object();
  std::set<std::string> done;
  for (const Json& event : ending.events) {
    const bool begins = event.at("event") == "step-begin";
    if (begins && event.value("id", "") != begun.value("id", "")) done.clear();
    if (begins) begun = event;
    if (!begins && event.contains("case") && event.at("event") != "progress") {
      done.insert(event.at("case").get<std::string>());
    }
  }
  Json left = Json::array();
  const std::string id = begun.value("id", "");
  if (id.empty()) return left;
  bool behind = false;
  for (const Json& step : steps) {
    if (behind) left.push_back(step);
    if (step.value("id", "") != id) continue;
    behind = true;
    if (!begun.contains("case") || !step.contains("cases")) continue;
    Json rest = step;
    rest["cases"] = Json::array();
    for (const Json& name : step.at("cases")) {
      if (name != begun.at("case") && done.count(name.get<std::string>()) == 0) {
        rest["cases"].push_back(name);
      }
    }
    if (!rest["cases"].empty()) left.push_back(rest);
  }
  return left;
}

}  // namespace tsharness
