#include "core/ulp.h"

#include "core/widest.h"

namespace tsharness {

namespace {

/// Maps the bits of a float to an integer that grows with the value, neighbours one apart.
template <class U>
TSHARNESS_INLINE U ordered(U bits) {
  constexpr U sign = U(1) << (8 * sizeof(U) - 1);
  return bits & sign ? U(sign - (bits & U(~sign))) : U(sign + bits);
}

template <class U>
TSHARNESS_INLINE uint64_t max_ulp_of(const U* actual, const U* expected, int count) {
  U largest = 0;
  for (int i = 0; i < count; ++i) {
    const U a = ordered(actual[i]);
    const U e = ordered(expected[i]);
    const U distance = a > e ? U(a - e) : U(e - a);
    largest = largest > distance ? largest : distance;
  }
  return largest;
}

}  // namespace

TSHARNESS_WIDEST uint64_t max_ulp_distance(const uint16_t* actual, const uint16_t* expected,
                                           int count) {
  return max_ulp_of(actual, expected, count);
}

TSHARNESS_WIDEST uint64_t max_ulp_distance(const uint32_t* actual, const uint32_t* expected,
                                           int count) {
  return max_ulp_of(actual, expected, count);
}

TSHARNESS_WIDEST uint64_t max_ulp_distance(const uint64_t* actual, const uint64_t* expected,
                                           int count) {
  return max_ulp_of(actual, expected, count);
}

}  // namespace tsharness
