#include "core/rules.h"

#include <cmath>
#include <limits>
#include <sstream>

namespace tsharness {

namespace {

constexpr double kNoLimit = std::numeric_limits<double>::infinity();

constexpr Statistic kStatistics[] = {
    {"max_abs", false, 0, kNoLimit, false},
    {"mean_abs", false, 0, kNoLimit, false},
    {"median_abs", false, 0, kNoLimit, false},
    {"p90_abs", false, 0, kNoLimit, false},
    {"p99_abs", false, 0, kNoLimit, false},
    {"p999_abs", false, 0, kNoLimit, false},
    {"max_rel", false, 0, 1, true},
    {"mean_rel", false, 0, 1, true},
    {"max_ulp", false, 0, kNoLimit, true},
    {"cosine", true, 0, 1, true},
    {"l2", false, 0, kNoLimit, false},
    {"relative_l2", false, 0, 1, true},
    {"snr", true, 0, kNoLimit, true},
    {"psnr", true, 0, kNoLimit, true},
    {"mismatched", false, 0, 1, true},
};

class Checker {
 public:
  Checker(ErrorKind kind, const std::string& where) : kind_(kind), where_(where) {}

  void rules(const Json& rules, bool of_output) const {
    if (rules.is_null()) return;
    if (!rules.is_object()) refuse("is no object");
    for (const auto& [name, value] : rules.items()) {
      if (name == "rtol" || name == "atol") {
        tolerance(name, value);
      } else if (name == "exact" || name == "normwise") {
        if (!value.is_boolean()) refuse(name + " is neither true nor false");
      } else if (name == "topk") {
        if (!value.is_number_integer() || value < 1) refuse("topk is no number of at least 1");
      } else if (name == "accept") {
        accept(value);
      } else if (name == "outputs" && !of_output && value.is_object()) {
        for (const Json& one : value) this->rules(one, true);
      } else {
        refuse("there is no rule '" + name + "'");
      }
    }
  }

 private:
  [[noreturn]] void refuse(const std::string& problem) const {
    throw Error(kind_, where_ + ": " + problem);
  }

  void tolerance(const std::string& name, const Json& value) const {
    const double number = value.is_number() ? value.get<double>() : std::nan("");
    if (!(number >= 0 && number < kNoLimit)) refuse(name + " is no number of at least 0");
  }

  void accept(const Json& accepted) const {
    if (!accepted.is_array()) refuse("accept is no list");
    for (const Json& one : accepted) {
      if (!one.is_array() || one.size() != 3 || !one[0].is_string() || !one[1].is_string()) {
        refuse("accept has [STATISTIC, \">=\" or \"<=\", NUMBER] in it, and nothing else");
      }
      bound(one[0].get<std::string>(), one[1].get<std::string>(), one[2]);
    }
  }

  void bound(const std::string& name, const std::string& sense, const Json& value) const {
    const Statistic& statistic = known(name);
    const char* right = statistic.larger_is_better ? ">=" : "<=";
    if (sense != ">=" && sense != "<=") {
      refuse(name + " '" + sense + "': the operators are >= (at least) and <= (at most)");
    }
    if (sense != right) refuse(name + " " + sense + " judges nothing; state it with " + right);
    if (!value.is_number() || !statistic.takes(value.get<double>())) {
      std::ostringstream text;
      text << name << " " << sense << " " << value.dump() << " judges nothing; the number must be ";
      text << (statistic.larger_is_better ? "above " : "at least ") << statistic.least;
      if (statistic.most < kNoLimit) {
        text << (statistic.larger_is_better ? " and at most " : " and below ") << statistic.most;
      }
      refuse(text.str());
    }
  }

  const Statistic& known(const std::string& name) const {
    try {
      return statistic_of(name);
    } catch (const Error& error) {
      refuse(error.what());
    }
  }

  ErrorKind kind_;
  const std::string& where_;
};

}  // namespace

bool Statistic::takes(double bound) const {
  if (!std::isfinite(bound)) return false;
  return larger_is_better ? bound > least && bound <= most : bound >= least && bound < most;
}

const Statistic& statistic_of(const std::string& name) {
  for (const Statistic& one : kStatistics) {
    if (name == one.name) return one;
  }
  throw Error(ErrorKind::Usage, "no statistic '" + name + "'");
}

void check_rules(const Json& rules, ErrorKind kind, const std::string& where) {
  Checker(kind, where).rules(rules, false);
}

}  // namespace tsharness
