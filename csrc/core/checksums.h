#pragma once

#include <string>
#include <vector>

namespace tsharness {

/// Names of the records of an archive whose bytes are not those that its directory declares
/// (CRC-32, size). LibTorch's own loader looks at neither. Raises Error(Artifact) for a file that
/// is no archive, or whose directory cannot be read.
std::vector<std::string> damaged_records(const std::string& archive);

/// SHA-256 of what the archive holds apart from its cases: every record's name, length and bytes,
/// in the order of the names (docs/case-file.md, `content_sha256`). A flipped bit shows in it also
/// where the archive was written anew, with the right checksums. Raises Error(Artifact).
std::string content_sha256(const std::string& archive);

}  // namespace tsharness
