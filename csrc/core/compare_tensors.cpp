#include "core/compare_tensors.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <mutex>
#include <type_traits>

#include "core/compare_kernels.h"
#include "core/elements.h"
#include "core/figures.h"
#include "core/parallel.h"
#include "core/ulp.h"

namespace tsharness {

namespace {

constexpr int64_t kChunk = 64 * kBlock;  // what one thread takes at a time; fixed, so reproducible

template <class T>
class Comparison {
 public:
  Comparison(const at::Tensor& actual, const at::Tensor& expected, const Tolerance& tolerance)
      : actual_(actual), expected_(expected), numel_(actual.numel()), tolerance_(tolerance) {
    if constexpr (std::is_same_v<T, ByteFloat>) values_ = &byte_float_values(actual.scalar_type());
  }

  PartialDifference run(std::vector<uint64_t>& histogram) const {
    const int64_t chunks = (numel_ + kChunk - 1) / kChunk;
    std::vector<PartialDifference> parts(static_cast<size_t>(chunks));
    std::mutex mutex;
    std::atomic<int64_t> next{0};
    in_parallel(std::min<int64_t>(chunks, at::get_num_threads()), [&] {
      std::vector<uint64_t> bins(kErrorBins, 0);
      for (int64_t i = next++; i < chunks; i = next++) {
        parts[static_cast<size_t>(i)] = chunk(i, bins.data());
      }
      const std::lock_guard<std::mutex> lock(mutex);
      for (int bin = 0; bin < kErrorBins; ++bin) histogram[bin] += bins[bin];
    });
    PartialDifference whole;
    for (const PartialDifference& part : parts) whole.combine(part);
    return whole;
  }

  /// The element at a flat index, for showing.
  std::pair<double, double> at(int64_t index) const {
    T a;
    T e;
    const T actual = *actual_.read(index, 1, &a);
    const T expected = *expected_.read(index, 1, &e);
    return {real(actual), real(expected)};
  }

 private:
  PartialDifference chunk(int64_t number, uint64_t* bins) const {
    PartialDifference part;
    const int64_t end = std::min(numel_, (number + 1) * kChunk);
    T actual[kBlock];
    T expected[kBlock];
    for (int64_t start = number * kChunk; start < end; start += kBlock) {
      const int count = static_cast<int>(std::min<int64_t>(kBlock, end - start));
      block(actual_.read(start, count, actual), expected_.read(start, count, expected), count,
            start, part, bins);
    }
    return part;
  }

  void block(const T* actual, const T* expected, int count, int64_t start, PartialDifference& part,
             uint64_t* bins) const {
    const bool same = std::memcmp(actual, expected, static_cast<size_t>(count) * sizeof(T)) == 0;
    if constexpr (kIsFloating<T>) {
      if (same ? equal_block(expected, count, start, part, bins)
               : differing_block(actual, expected, count, start, part, bins)) {
        return;
      }
    }
    for (int i = 0; i < count; ++i) element(actual[i], expected[i], start + i, part, bins);
  }

  bool equal_block(const T* values, int count, int64_t start, PartialDifference& part,
                   uint64_t* bins) const {
    if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double>) {
      return add_equal_block(values, count, start, tolerance_, part, bins);
    } else {
      float wide[kBlock];
      for (int i = 0; i < count; ++i) wide[i] = static_cast<float>(values[i]);
      return add_equal_block(wide, count, start, tolerance_, part, bins);
    }
  }

  bool differing_block(const T* actual, const T* expected, int count, int64_t start,
                       PartialDifference& part, uint64_t* bins) const {
    if (tolerance_.exact) return false;
    bool added = false;
    if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double>) {
      added = add_block(actual, expected, count, start, tolerance_, part, bins);
    } else {
      float wide_actual[kBlock];
      float wide_expected[kBlock];
      for (int i = 0; i < count; ++i) wide_actual[i] = static_cast<float>(actual[i]);
      for (int i = 0; i < count; ++i) wide_expected[i] = static_cast<float>(expected[i]);
      added = add_block(wide_actual, wide_expected, count, start, tolerance_, part, bins);
    }
    if (added) part.max_ulp = std::max(part.max_ulp, ulp(actual, expected, count));
    return added;
  }

  static uint64_t ulp(const T* actual, const T* expected, int count) {
    using Word = std::conditional_t<sizeof(T) == 2, uint16_t,
                                    std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>>;
    return max_ulp_distance(reinterpret_cast<const Word*>(actual),
                            reinterpret_cast<const Word*>(expected), count);
  }

  void element(const T& actual, const T& expected, int64_t index, PartialDifference& part,
               uint64_t* bins) const {
    const bool same_bits = std::memcmp(&actual, &expected, sizeof(T)) == 0;
    const double magnitude = modulus(expected);
    const bool nan_actual = is_nan(actual);
    const bool nan_expected = is_nan(expected);
    part.nan_actual += nan_actual;
    part.nan_expected += nan_expected;
    if (!std::isfinite(modulus(actual)) || !std::isfinite(magnitude)) {
      const bool both_nan = nan_actual && nan_expected && !tolerance_.exact;
      if (!same_bits && !both_nan && !equal(actual, expected)) part.add_nonfinite(index);
      return;
    }
    double error = distance(actual, expected);
    // Large integers may differ although their doubles do not.
    if (std::is_integral_v<T> && !same_bits) error = std::max(error, 1.0);
    const bool beyond = error > tolerance_.atol + tolerance_.rtol * magnitude;
    part.add(index, error, magnitude, tolerance_.exact ? !same_bits : beyond, tolerance_, bins);
    part.actual_squared += real(actual) * real(actual) + imag(actual) * imag(actual);
    part.expected_squared += real(expected) * real(expected) + imag(expected) * imag(expected);
    part.product += real(actual) * real(expected) + imag(actual) * imag(expected);
    if constexpr (kIsFloating<T>) part.max_ulp = std::max(part.max_ulp, ulp(&actual, &expected, 1));
  }

  double real(const T& value) const {
    if constexpr (kIsComplex<T>)
      return static_cast<double>(value.real());
    else if constexpr (std::is_same_v<T, ByteFloat>)
      return (*values_)[value.bits];
    else
      return static_cast<double>(value);
  }
  double imag(const T& value) const {
    if constexpr (kIsComplex<T>)
      return static_cast<double>(value.imag());
    else
      return 0;
  }
  double modulus(const T& value) const {
    if constexpr (kIsComplex<T>)
      return std::hypot(real(value), imag(value));
    else
      return std::abs(real(value));
  }
  double distance(const T& actual, const T& expected) const {
    const double along = real(actual) - real(expected);
    if constexpr (kIsComplex<T>)
      return std::hypot(along, imag(actual) - imag(expected));
    else
      return std::abs(along);
  }
  bool is_nan(const T& value) const { return std::isnan(real(value)) || std::isnan(imag(value)); }
  bool equal(const T& actual, const T& expected) const {
    return !tolerance_.exact && real(actual) == real(expected) && imag(actual) == imag(expected);
  }

  Elements<T> actual_;
  Elements<T> expected_;
  int64_t numel_;
  Tolerance tolerance_;
  const std::vector<double>* values_ = nullptr;
};

std::vector<int64_t> unravel(int64_t flat, at::IntArrayRef sizes) {
  std::vector<int64_t> index(sizes.size());
  for (size_t dim = sizes.size(); dim-- > 0;) {
    index[dim] = flat % sizes[dim];
    flat /= sizes[dim];
  }
  return index;
}

template <class T>
TensorDifference compare_as(const at::Tensor& actual, const at::Tensor& expected,
                            const Tolerance& tolerance) {
  if (actual.numel() == 0) return figures_of({}, std::vector<uint64_t>(kErrorBins, 0), 0);
  const Comparison<T> comparison(actual, expected, tolerance);
  std::vector<uint64_t> histogram(kErrorBins, 0);
  const PartialDifference whole = comparison.run(histogram);
  TensorDifference result = figures_of(whole, histogram, actual.numel());
  if (whole.worst >= 0) {
    const auto [a, e] = comparison.at(whole.worst);
    const double error =
        std::isfinite(whole.max_excess) ? std::abs(a - e) : std::numeric_limits<double>::infinity();
    result.worst = {unravel(whole.worst, actual.sizes()), a, e, error,
                    tolerance.atol + tolerance.rtol * std::abs(e)};
  }
  return result;
}

}  // namespace

TensorDifference compare_tensors(const at::Tensor& actual, const at::Tensor& expected,
                                 const Tolerance& tolerance) {
  const auto as = [&](auto sample) {
    return compare_as<decltype(sample)>(actual, expected, tolerance);
  };
  switch (actual.scalar_type()) {
    case at::kFloat:
      return as(float{});
    case at::kDouble:
      return as(double{});
    case at::kHalf:
      return as(c10::Half{});
    case at::kBFloat16:
      return as(c10::BFloat16{});
    case at::kComplexHalf:
      return as(c10::complex<c10::Half>{});
    case at::kComplexFloat:
      return as(c10::complex<float>{});
    case at::kComplexDouble:
      return as(c10::complex<double>{});
    case at::kChar:
      return as(int8_t{});
    case at::kShort:
      return as(int16_t{});
    case at::kInt:
      return as(int32_t{});
    case at::kLong:
      return as(int64_t{});
    default:
      break;
  }
  // By item size: unsigned integers, bool and the packed bit types are compared as unsigned words;
  // the floats among the one-byte types by value.
  if (c10::isFloatingType(actual.scalar_type()) && actual.element_size() == 1) {
    return as(ByteFloat{});
  }
  switch (actual.element_size()) {
    case 1:
      return as(uint8_t{});
    case 2:
      return as(uint16_t{});
    case 4:
      return as(uint32_t{});
    default:
      return as(uint64_t{});
  }
}

}  // namespace tsharness
