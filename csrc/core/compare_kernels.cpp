// Compiled with -ffp-contract=off: a fused multiply-add on one machine and not on another would
// give other bits.
#include "core/compare_kernels.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/widest.h"

namespace tsharness {

namespace {

// Fixed, however wide the vectors of the machine are: the order of every sum, and with it every
// bit, is then the same on all of them.
constexpr int kLanes = 8;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

using Doubles = double __attribute__((vector_size(kLanes * sizeof(double))));
using Floats = float __attribute__((vector_size(kLanes * sizeof(float))));
using Words = uint64_t __attribute__((vector_size(kLanes * sizeof(uint64_t))));
using Bits = int64_t __attribute__((vector_size(kLanes * sizeof(int64_t))));

TSHARNESS_INLINE void load(const float* source, Doubles& out) {
  Floats values;
  std::memcpy(&values, source, sizeof values);
  out = __builtin_convertvector(values, Doubles);
}

TSHARNESS_INLINE void load(const double* source, Doubles& out) {
  std::memcpy(&out, source, sizeof out);
}

TSHARNESS_INLINE Bits bits_of(const Doubles& values) {
  Bits bits;
  std::memcpy(&bits, &values, sizeof bits);
  return bits;
}

TSHARNESS_INLINE Doubles absolute(const Doubles& values) {
  const Bits bits = bits_of(values) & std::numeric_limits<int64_t>::max();
  Doubles result;
  std::memcpy(&result, &bits, sizeof result);
  return result;
}

/// A non-negative value that is infinite or NaN has its sign bit set in the result: only its
/// exponent carries over. (GCC 12 turns the comparison that says the same into scalar code.)
TSHARNESS_INLINE Words not_finite(const Doubles& values) {
  Words words;
  std::memcpy(&words, &values, sizeof words);
  return words + (uint64_t{1} << 52);
}

TSHARNESS_INLINE bool any_sign(const Words& words) {
  uint64_t all = 0;
  for (int lane = 0; lane < kLanes; ++lane) all |= words[lane];
  return all >> 63 != 0;
}

TSHARNESS_INLINE void take_max(Doubles& into, const Doubles& value) {
  into = into > value ? into : value;
}

TSHARNESS_INLINE double sum_of(const Doubles& v) {
  return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

TSHARNESS_INLINE double max_of(const Doubles& v) {
  double result = v[0];
  for (int lane = 1; lane < kLanes; ++lane) result = std::max(result, v[lane]);
  return result;
}

TSHARNESS_INLINE int64_t total(const Bits& v) {
  int64_t result = 0;
  for (int lane = 0; lane < kLanes; ++lane) result += v[lane];
  return result;
}

struct Sums {
  Doubles abs{}, rel{}, max_abs{}, max_rel{}, max_magnitude{}, excess = Doubles{} - kInfinity;
  Doubles aa{}, ee{}, ae{}, dd{};
  Bits mismatched{}, zero{}, nonzero_to_zero{};
  Words nonfinite{};
};

TSHARNESS_INLINE void accumulate(const Doubles& a, const Doubles& e, double rtol, double atol,
                                 Sums& sums, int64_t* bins) {
  const Doubles error = absolute(a - e);
  const Doubles magnitude = absolute(e);
  const Doubles none{};
  const Doubles one = none + 1.0;
  const Bits zero = magnitude == none;
  const Doubles ratio = zero ? none : error / (zero ? one : magnitude);
  const Doubles scaled = magnitude * rtol;
  // Comparisons give -1 per lane, hence the subtractions.
  sums.mismatched -= error > scaled + atol;
  sums.zero -= zero;
  sums.nonzero_to_zero -= zero & (error > none);
  sums.nonfinite |= not_finite(error) | not_finite(magnitude);
  sums.abs += error;
  sums.rel += ratio;
  take_max(sums.max_abs, error);
  take_max(sums.max_rel, ratio);
  take_max(sums.max_magnitude, magnitude);
  take_max(sums.excess, error - scaled);
  sums.aa += a * a;
  sums.ee += e * e;
  sums.ae += a * e;
  sums.dd += error * error;
  const Bits bin = bits_of(error) >> 48;
  std::memcpy(bins, &bin, sizeof bin);
}

/// The rest of a block, padded with equal zeros, whose effects are taken back by the caller.
template <class T>
TSHARNESS_INLINE void load_tail(const T* source, int count, Doubles& out) {
  T padded[kLanes] = {};
  std::memcpy(padded, source, static_cast<size_t>(count) * sizeof(T));
  load(padded, out);
}

template <class T>
TSHARNESS_INLINE Sums sum_block(const T* actual, const T* expected, int count, double rtol,
                                double atol, int64_t* bins) {
  Sums sums;
  const int whole = count / kLanes * kLanes;
  Doubles a;
  Doubles e;
  for (int i = 0; i < whole; i += kLanes) {
    load(actual + i, a);
    load(expected + i, e);
    accumulate(a, e, rtol, atol, sums, bins + i);
  }
  if (whole < count) {
    load_tail(actual + whole, count - whole, a);
    load_tail(expected + whole, count - whole, e);
    accumulate(a, e, rtol, atol, sums, bins + whole);
    sums.zero[0] -= kLanes - (count - whole);
  }
  return sums;
}

template <class T>
TSHARNESS_INLINE double excess_at(const T* actual, const T* expected, int i, double rtol) {
  const double error = std::abs(double(actual[i]) - double(expected[i]));
  return error - std::abs(double(expected[i])) * rtol;
}

/// Padding has excess 0, which may beat every element of a block: the search decides.
template <class T>
TSHARNESS_INLINE void find_worst(const T* actual, const T* expected, int count, int64_t start,
                                 double rtol, PartialDifference& part) {
  for (int i = 0; i < count; ++i) {
    const double excess = excess_at(actual, expected, i, rtol);
    if (excess > part.max_excess) {
      part.max_excess = excess;
      part.worst = start + i;
    }
  }
}

template <class T>
TSHARNESS_INLINE void find_min_rtol(const T* actual, const T* expected, int count, double atol,
                                    PartialDifference& part) {
  for (int i = 0; i < count; ++i) {
    const double beyond = std::abs(double(actual[i]) - double(expected[i])) - atol;
    if (beyond <= 0) continue;
    const double magnitude = std::abs(double(expected[i]));
    part.min_rtol = std::max(part.min_rtol, magnitude > 0 ? beyond / magnitude : kInfinity);
  }
}

template <class T>
TSHARNESS_INLINE bool add_block_of(const T* actual, const T* expected, int count, int64_t start,
                                   const Tolerance& tolerance, PartialDifference& part,
                                   uint64_t* histogram) {
  int64_t bins[kBlock];
  const Sums sums = sum_block(actual, expected, count, tolerance.rtol, tolerance.atol, bins);
  if (any_sign(sums.nonfinite)) return false;
  for (int i = 0; i < count; ++i) ++histogram[bins[i]];
  part.mismatched += total(sums.mismatched);
  part.finite += count;
  part.nonzero_expected += count - total(sums.zero);
  part.sum_abs += sum_of(sums.abs);
  part.sum_rel += sum_of(sums.rel);
  part.max_abs = std::max(part.max_abs, max_of(sums.max_abs));
  part.max_rel = std::max(part.max_rel, max_of(sums.max_rel));
  if (total(sums.nonzero_to_zero) != 0) part.max_rel = kInfinity;
  part.actual_squared += sum_of(sums.aa);
  part.expected_squared += sum_of(sums.ee);
  part.product += sum_of(sums.ae);
  part.error_squared += sum_of(sums.dd);
  part.max_magnitude = std::max(part.max_magnitude, max_of(sums.max_magnitude));
  if (max_of(sums.excess) > part.max_excess) {
    find_worst(actual, expected, count, start, tolerance.rtol, part);
  }
  if (max_of(sums.max_abs) > tolerance.atol) {
    find_min_rtol(actual, expected, count, tolerance.atol, part);
  }
  return true;
}

template <class T>
TSHARNESS_INLINE bool add_equal_block_of(const T* values, int count, int64_t start,
                                         const Tolerance& tolerance, PartialDifference& part,
                                         uint64_t* histogram) {
  Doubles squares{};
  Doubles smallest = Doubles{} + kInfinity;
  Doubles largest{};
  Bits zeros{};
  Words nonfinite{};
  for (int i = 0; i < count; i += kLanes) {
    Doubles e;
    if (count - i >= kLanes) {
      load(values + i, e);
    } else {
      load_tail(values + i, count - i, e);
      zeros[0] -= kLanes - (count - i);
    }
    const Doubles magnitude = absolute(e);
    nonfinite |= not_finite(magnitude);
    zeros -= magnitude == 0;
    squares += e * e;
    smallest = magnitude < smallest ? magnitude : smallest;
    take_max(largest, magnitude);
  }
  if (any_sign(nonfinite)) return false;
  const double sum = sum_of(squares);
  histogram[0] += static_cast<uint64_t>(count);
  part.finite += count;
  part.nonzero_expected += count - total(zeros);
  part.actual_squared += sum;
  part.expected_squared += sum;
  part.product += sum;
  part.max_magnitude = std::max(part.max_magnitude, max_of(largest));
  if (-tolerance.rtol * -max_of(-smallest) > part.max_excess) {
    find_worst(values, values, count, start, tolerance.rtol, part);
  }
  return true;
}

}  // namespace

TSHARNESS_WIDEST bool add_block(const float* actual, const float* expected, int count,
                                int64_t start, const Tolerance& tolerance, PartialDifference& part,
                                uint64_t* histogram) {
  return add_block_of(actual, expected, count, start, tolerance, part, histogram);
}

TSHARNESS_WIDEST bool add_block(const double* actual, const double* expected, int count,
                                int64_t start, const Tolerance& tolerance, PartialDifference& part,
                                uint64_t* histogram) {
  return add_block_of(actual, expected, count, start, tolerance, part, histogram);
}

TSHARNESS_WIDEST bool add_equal_block(const float* values, int count, int64_t start,
                                      const Tolerance& tolerance, PartialDifference& part,
                                      uint64_t* histogram) {
  return add_equal_block_of(values, count, start, tolerance, part, histogram);
}

TSHARNESS_WIDEST bool add_equal_block(const double* values, int count, int64_t start,
                                      const Tolerance& tolerance, PartialDifference& part,
                                      uint64_t* histogram) {
  return add_equal_block_of(values, count, start, tolerance, part, histogram);
}

}  // namespace tsharness
