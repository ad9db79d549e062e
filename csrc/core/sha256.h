#pragma once

#include <string>
#include <string_view>

namespace tsharness {

/// SHA-256 of `bytes` (FIPS 180-4), in lower-case hexadecimal digits.
std::string sha256(std::string_view bytes);

}  // namespace tsharness
