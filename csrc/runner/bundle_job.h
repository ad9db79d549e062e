#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/json.h"
#include "runner/supervisor.h"

namespace tsharness {

/// Folders by what stands for them in a bundle's jobs, such as "@bundle@".
using Places = std::vector<std::pair<std::string, std::string>>;

/// Puts the folders in, wherever strings begin with what stands for them.
void place(Json& node, const Places& places);

/// Variables for a process of an entry of bundle.json, as "NAME=value": what this process has of
/// those that the bundle keeps, and the entry's own.
std::vector<std::string> environment_of(const Json& bundle, const Json& entry,
                                        const std::string& scratch);

/// What a process left to do of these steps when it died: the cases behind the one that it died in,
/// and the steps behind that one. Empty if it did not get as far as a step that says what it is.
Json steps_left(const Json& steps, const Ending& ending);

}  // namespace tsharness
