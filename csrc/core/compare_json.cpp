#include <cmath>

#include "core/compare.h"

namespace tsharness {

namespace {

Json to_json(const TensorDifference& difference) {
  Json json = {{"numel", difference.numel},
               {"mismatched", difference.mismatched},
               {"nonfinite_mismatched", difference.nonfinite_mismatched},
               {"nan_actual", difference.nan_actual},
               {"nan_expected", difference.nan_expected},
               {"max_abs", json_number(difference.max_abs)},
               {"mean_abs", json_number(difference.mean_abs)},
               {"max_rel", json_number(difference.max_rel)},
               {"mean_rel", json_number(difference.mean_rel)},
               {"max_ulp", difference.max_ulp},
               {"largest_expected", json_number(difference.largest_expected)},
               {"cosine", json_number(difference.cosine)},
               {"l2", json_number(difference.l2)},
               {"relative_l2", json_number(difference.relative_l2)},
               {"snr", json_number(difference.snr)},
               {"psnr", json_number(difference.psnr)},
               {"min_atol", json_number(difference.min_atol)},
               {"min_rtol", json_number(difference.min_rtol)}};
  for (const double quantile : difference.quantiles) {
    json["quantiles"].push_back(json_number(quantile));
  }
  if (difference.worst) {
    json["worst"] = {{"index", difference.worst->index},
                     {"actual", json_number(difference.worst->actual)},
                     {"expected", json_number(difference.worst->expected)},
                     {"error", json_number(difference.worst->error)},
                     {"allowed", json_number(difference.worst->allowed)}};
  }
  return json;
}

}  // namespace

Json json_number(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

Json to_json(const OutputComparison& comparison) {
  Json json = {{"name", comparison.name},           {"passed", comparison.passed},
               {"reason", comparison.reason},       {"resembles", comparison.resembles},
               {"aspect", comparison.aspect},       {"dtype", comparison.dtype},
               {"shape", comparison.shape},         {"rtol", comparison.tolerance.rtol},
               {"atol", comparison.tolerance.atol}, {"exact", comparison.tolerance.exact},
               {"set_by", comparison.set_by},       {"decisive", comparison.decisive}};
  if (comparison.difference) json["difference"] = to_json(*comparison.difference);
  if (comparison.float64) {
    json["float64"] = {{"target", json_number(comparison.float64->target)},
                       {"reference", json_number(comparison.float64->reference)},
                       {"allowed", json_number(comparison.float64->allowed)}};
  }
  for (const Requirement& one : comparison.requirements) {
    json["requirements"].push_back({{"statistic", one.statistic},
                                    {"at_least", one.at_least},
                                    {"value", json_number(one.value)},
                                    {"seen", json_number(one.seen)}});
  }
  if (comparison.decisions) {
    json["decisions"] = {{"k", comparison.decisions->k},
                         {"rows", comparison.decisions->rows},
                         {"changed", comparison.decisions->changed}};
  }
  return json;
}

}  // namespace tsharness
