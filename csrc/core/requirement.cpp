#include "core/requirement.h"

#include <sstream>

#include "core/rules.h"

namespace tsharness {

namespace {

Json statistics(const TensorDifference& difference) {
  const double numel = static_cast<double>(std::max<int64_t>(difference.numel, 1));
  return {{"max_abs", difference.max_abs},
          {"mean_abs", difference.mean_abs},
          {"median_abs", difference.quantiles.at(0)},
          {"p90_abs", difference.quantiles.at(1)},
          {"p99_abs", difference.quantiles.at(2)},
          {"p999_abs", difference.quantiles.at(3)},
          {"max_rel", difference.max_rel},
          {"mean_rel", difference.mean_rel},
          {"max_ulp", difference.max_ulp},
          {"cosine", difference.cosine},
          {"l2", difference.l2},
          {"relative_l2", difference.relative_l2},
          {"snr", difference.snr},
          {"psnr", difference.psnr},
          {"mismatched", static_cast<double>(difference.mismatched) / numel}};
}

}  // namespace

std::vector<Requirement> requirements_of(const Json& accept, const TensorDifference& difference) {
  std::vector<Requirement> found;
  if (accept.is_null()) return found;
  const Json known = statistics(difference);
  for (const Json& one : accept) {
    const auto name = one.at(0).get<std::string>();
    const Statistic& statistic = statistic_of(name);
    found.push_back(
        {name, statistic.larger_is_better, one.at(2).get<double>(), known.at(name).get<double>()});
  }
  return found;
}

std::string unmet_reason(const std::vector<Requirement>& requirements) {
  std::ostringstream text;
  for (const Requirement& one : requirements) {
    if (one.met()) continue;
    text << (text.tellp() > 0 ? "; " : "is not accepted: ") << one.statistic << " " << one.seen
         << ", asked is " << (one.at_least ? "at least " : "at most ") << one.value;
  }
  return text.str();
}

}  // namespace tsharness
