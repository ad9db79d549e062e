#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace tsharness {

using Json = nlohmann::json;
using JsonType = Json::value_t;

/// Deepest nesting that a document may have; both readers refuse more (docs/case-file.md).
constexpr int kMaxJsonDepth = 256;

/// Parses JSON that comes from a file that nobody vouches for: duplicate keys and nesting beyond
/// `kMaxJsonDepth` are refused. `what` names the document in messages.
/// Raises Error(CaseFile).
Json parse_untrusted_json(std::string_view text, const std::string& what);

/// Member `key` of an object, or Error(CaseFile) that names the key, `what` and the expected type.
const Json& require(const Json& object, const char* key, JsonType type, const char* what);

}  // namespace tsharness
