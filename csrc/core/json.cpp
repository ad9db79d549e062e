#include "core/json.h"

#include <set>
#include <string>
#include <vector>

#include "core/error.h"

namespace tsharness {

Json parse_untrusted_json(std::string_view text, const std::string& what) {
  std::vector<std::set<std::string>> keys;
  const auto check = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > kMaxJsonDepth) {
      throw Error(ErrorKind::CaseFile,
                  what + ": nested deeper than " + std::to_string(kMaxJsonDepth) + " levels");
    }
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key &&
        !keys.back().insert(parsed.get<std::string>()).second) {
      throw Error(ErrorKind::CaseFile,
                  what + ": name '" + parsed.get<std::string>() + "' occurs twice");
    }
    return true;
  };
  try {
    return Json::parse(text.begin(), text.end(), check);
  } catch (const Json::exception& error) {
    throw Error(ErrorKind::CaseFile, what + ": not valid JSON (" + error.what() + ")");
  }
}

const Json& require(const Json& object, const char* key, JsonType type, const char* what) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  if (found == object.end()) {
    throw Error(ErrorKind::CaseFile, std::string(what) + " lacks '" + key + "'");
  }
  // A non-negative integer parses as "unsigned"; both are integers to a reader.
  const bool both_integers = type == JsonType::number_integer && found->is_number_integer();
  if (found->type() != type && !both_integers) {
    throw Error(ErrorKind::CaseFile, std::string(what) + ": '" + key + "' must be " +
                                         Json(type).type_name() + ", got " + found->type_name());
  }
  return *found;
}

}  // namespace tsharness
