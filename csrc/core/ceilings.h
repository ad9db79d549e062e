#pragma once

#include <c10/core/Device.h>

namespace tsharness {

/// What a device is able to do at most, as it was measured: no model can be faster.
struct Ceilings {
  double bytes_per_second = 0;  ///< read and written, by a copy much larger than the caches
  double flops_per_second = 0;  ///< of a large matrix product in float32
};

/// Measures them in about a second.
Ceilings measure_ceilings(c10::Device device);

}  // namespace tsharness
