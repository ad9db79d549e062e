#pragma once

#include <string>

#include "core/error.h"
#include "core/json.h"

namespace tsharness {

/// A figure of a comparison by which outputs may be judged, and the bounds of it that judge
/// something. Outputs of zeros have cosine 0, snr 0 dB, psnr at least 0 dB, relative errors 1: a
/// bound that these meet would accept anything.
struct Statistic {
  const char* name;
  bool larger_is_better;  ///< bounded by ">=", or by "<="
  double least;           ///< of the bound; beyond it for what is better if larger
  double most;            ///< of the bound; below it for what is better if smaller
  bool relative;          ///< without a unit: what it says does not depend on the outputs' scale
  bool takes(double bound) const;
};

/// The statistic of that name. Raises Error(Usage) for another.
const Statistic& statistic_of(const std::string& name);

/// Looks through rules that a case file or a request states: {"rtol", "atol", "exact", "normwise",
/// "topk", "accept", "outputs": {NAME: {...}}}; null states nothing. Raises Error(`kind`), in which
/// `where` says whose they are, for a rule of another name or type, a bound in the direction in
/// which it judges nothing, and a number that is none.
void check_rules(const Json& rules, ErrorKind kind, const std::string& where);

}  // namespace tsharness
