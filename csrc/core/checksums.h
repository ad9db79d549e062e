#pragma once

#include <string>
#include <vector>

namespace tsharness {

/// Names of the records of an archive whose bytes are not those that its directory declares
/// (CRC-32, size). LibTorch's own loader looks at neither. Raises Error(Artifact) for a file that
/// is no archive, or whose directory cannot be read.
std::vector<std::string> damaged_records(const std::string& archive);

}  // namespace tsharness
