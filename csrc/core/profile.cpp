#include "core/profile.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/walk.h"

namespace tsharness {

namespace {

constexpr int64_t kPart = int64_t{1} << 20;  // elements in memory as double at a time

/// Elements of real dtypes on the CPU.
at::Tensor plain(const at::Tensor& tensor) {
  at::Tensor host = tensor.detach().to(at::kCPU);
  if (host.is_quantized()) host = host.dequantize();
  host = host.resolve_conj().resolve_neg();
  return host.is_complex() ? at::view_as_real(host) : host;
}

int decade_of(double value) { return static_cast<int>(std::floor(std::log10(value))); }

class Moments {
 public:
  void add(double value) {
    if (!std::isfinite(value)) {
      ++summary_.nonfinite;
      return;
    }
    summary_.min = count_ == 0 ? value : std::min(summary_.min, value);
    summary_.max = count_ == 0 ? value : std::max(summary_.max, value);
    ++count_;
    // Welford's recurrence: no cancellation, one pass.
    const double delta = value - summary_.mean;
    summary_.mean += delta / static_cast<double>(count_);
    squares_ += delta * (value - summary_.mean);
  }
  Summary finish() {
    if (count_ > 0) summary_.std = std::sqrt(squares_ / static_cast<double>(count_));
    return summary_;
  }

 private:
  Summary summary_;
  int64_t count_ = 0;
  double squares_ = 0;
};

class Profiler {
 public:
  Profiler(at::IntArrayRef sizes, const Tolerance& tolerance)
      : sizes_(sizes.vec()), tolerance_(tolerance) {
    for (const int64_t size : sizes_) {
      result_.dims.push_back({size});
      touched_.emplace_back(static_cast<size_t>(size), false);
    }
  }

  void add(int64_t index, double actual, double expected) {
    actual_.add(actual);
    expected_.add(expected);
    const bool same = actual == expected || (std::isnan(actual) && std::isnan(expected));
    const double error = same ? 0 : std::abs(actual - expected);
    const double magnitude = std::abs(expected);
    const bool beyond = !same && !(error <= tolerance_.atol + tolerance_.rtol * magnitude);
    if (beyond) touch(index);
    if (!std::isfinite(error) || !std::isfinite(magnitude)) return;
    if (error > 0) {
      ++result_.errors[decade_of(error)];
    } else {
      ++result_.equal;
    }
    if (magnitude == 0) {
      ++result_.zeros;
      return;
    }
    auto& decade = result_.magnitudes[decade_of(magnitude)];
    ++decade.count;
    decade.mismatched += beyond;
    decade.max_abs = std::max(decade.max_abs, error);
  }

  DifferenceProfile finish() {
    for (size_t dim = 0; dim < sizes_.size(); ++dim) {
      for (int64_t i = 0; i < sizes_[dim]; ++i) {
        if (!touched_[dim][static_cast<size_t>(i)]) continue;
        auto& found = result_.dims[dim];
        if (found.touched++ == 0) found.first = i;
        found.last = i;
      }
    }
    result_.actual = actual_.finish();
    result_.expected = expected_.finish();
    return std::move(result_);
  }

 private:
  void touch(int64_t flat) {
    for (size_t dim = sizes_.size(); dim-- > 0;) {
      touched_[dim][static_cast<size_t>(flat % sizes_[dim])] = true;
      flat /= sizes_[dim];
    }
  }

  std::vector<int64_t> sizes_;
  Tolerance tolerance_;
  DifferenceProfile result_;
  std::vector<std::vector<bool>> touched_;
  Moments actual_;
  Moments expected_;
};

Json to_json(const Summary& summary) {
  return {{"min", summary.min},
          {"max", summary.max},
          {"mean", summary.mean},
          {"std", summary.std},
          {"nonfinite", summary.nonfinite}};
}

Json to_json(const DifferenceProfile& profile) {
  Json json = {{"actual", to_json(profile.actual)},
               {"expected", to_json(profile.expected)},
               {"equal", profile.equal},
               {"zeros", profile.zeros},
               {"dims", Json::array()},
               {"errors", Json::array()},
               {"magnitudes", Json::array()}};
  for (const auto& dim : profile.dims) {
    json["dims"].push_back(
        {{"size", dim.size}, {"touched", dim.touched}, {"first", dim.first}, {"last", dim.last}});
  }
  for (const auto& [decade, count] : profile.errors) {
    json["errors"].push_back({{"decade", decade}, {"count", count}});
  }
  for (const auto& [decade, found] : profile.magnitudes) {
    json["magnitudes"].push_back({{"decade", decade},
                                  {"count", found.count},
                                  {"mismatched", found.mismatched},
                                  {"max_abs", found.max_abs}});
  }
  return json;
}

}  // namespace

DifferenceProfile profile_difference(const at::Tensor& actual, const at::Tensor& expected,
                                     const Tolerance& tolerance) {
  const at::Tensor left = plain(actual);
  const at::Tensor right = plain(expected);
  Profiler profiler(left.sizes(), tolerance);
  const at::Tensor flat_left = left.reshape(-1);
  const at::Tensor flat_right = right.reshape(-1);
  for (int64_t start = 0; start < left.numel(); start += kPart) {
    const int64_t count = std::min(kPart, left.numel() - start);
    const at::Tensor a = flat_left.narrow(0, start, count).to(at::kDouble).contiguous();
    const at::Tensor e = flat_right.narrow(0, start, count).to(at::kDouble).contiguous();
    const auto* actuals = a.data_ptr<double>();
    const auto* expecteds = e.data_ptr<double>();
    for (int64_t i = 0; i < count; ++i) profiler.add(start + i, actuals[i], expecteds[i]);
  }
  return profiler.finish();
}

void add_profiles(const c10::IValue& actual, const c10::IValue& expected,
                  const std::vector<OutputComparison>& comparisons, Json& found) {
  const auto differs = [&](const OutputComparison& one) {
    if (!one.difference.has_value() || (one.passed && one.difference->max_abs == 0)) return false;
    const auto known = found.find(one.name);
    return known == found.end() || (!one.passed && known->at("passed").get<bool>());
  };
  if (std::none_of(comparisons.begin(), comparisons.end(), differs)) return;
  const auto actuals = tensors_of("output", actual);
  const auto references = tensors_of("output", expected);
  for (const OutputComparison& one : comparisons) {
    const auto mine = actuals.find(one.name);
    const auto reference = references.find(one.name);
    if (!differs(one) || mine == actuals.end() || reference == references.end()) continue;
    if (mine->second.layout() != c10::kStrided) continue;
    Json profile = to_json(profile_difference(mine->second, reference->second, one.tolerance));
    profile["passed"] = one.passed;
    found[one.name] = std::move(profile);
  }
}

}  // namespace tsharness
