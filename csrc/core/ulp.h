#pragma once

#include <cstdint>

namespace tsharness {

/// Largest distance in representable values between floats given by their bits.
uint64_t max_ulp_distance(const uint16_t* actual, const uint16_t* expected, int count);
uint64_t max_ulp_distance(const uint32_t* actual, const uint32_t* expected, int count);
uint64_t max_ulp_distance(const uint64_t* actual, const uint64_t* expected, int count);

}  // namespace tsharness
