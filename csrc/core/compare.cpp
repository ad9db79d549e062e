#include "core/compare.h"

#include <ATen/ATen.h>

#include <sstream>

#include "core/dtype.h"
#include "core/observe.h"
#include "core/sparse.h"
#include "core/value_names.h"

namespace tsharness {

namespace {

using c10::IValue;

constexpr size_t kMostToCrossCompare = 16;  // failed outputs; each is compared with each

template <class T>
std::string got(const char* what, const T& expected, const T& actual) {
  std::ostringstream text;
  text << what << ": expected " << expected << ", got " << actual;
  return text.str();
}

/// Keys of dicts that may be looked up by value; a tensor as key has identity only.
bool has_tensor_key(const c10::Dict<IValue, IValue>& dict) {
  for (const auto& item : dict) {
    if (item.key().isTensor()) return true;
  }
  return false;
}

class Walk {
 public:
  Walk(const TolerancePolicy& policy, bool same_device_type)
      : policy_(policy), same_device_type_(same_device_type) {}

  void visit(const std::string& name, const IValue& actual, const IValue& expected) {
    const std::string kind = kind_of(expected);
    if (kind != kind_of(actual))
      return fail(name, "type", got("type", kind, kind_of(actual)), kind);
    if (kind == "Tensor") return tensors(name, actual.toTensor(), expected.toTensor());
    if (kind == "list") return lists(name, actual.toList(), expected.toList());
    if (kind == "tuple") return tuples(name, actual.toTupleRef(), expected.toTupleRef());
    if (kind == "dict") return dicts(name, actual.toGenericDict(), expected.toGenericDict());
    leaf(name, kind, actual, expected);
  }

  std::vector<OutputComparison> take() {
    find_resemblances();
    return std::move(results_);
  }

 private:
  void fail(const std::string& name, const char* aspect, const std::string& reason,
            const std::string& dtype) {
    OutputComparison result;
    result.name = name;
    result.passed = false;
    result.aspect = aspect;
    result.reason = reason;
    result.dtype = dtype;
    results_.push_back(std::move(result));
  }

  /// An empty container has no leaf to report, yet its structure was compared; None has no value.
  void pass(const std::string& name, const std::string& dtype, bool decisive) {
    OutputComparison result;
    result.name = name;
    result.dtype = dtype;
    result.decisive = decisive;
    results_.push_back(std::move(result));
  }

  bool same_length(const std::string& name, size_t actual, size_t expected, const char* kind) {
    if (actual != expected) fail(name, "length", got("length", expected, actual), kind);
    if (actual == expected && actual == 0) pass(name, kind, false);
    return actual == expected;
  }

  void lists(const std::string& name, const c10::List<IValue>& actual,
             const c10::List<IValue>& expected) {
    if (!same_length(name, actual.size(), expected.size(), "list")) return;
    for (size_t i = 0; i < actual.size(); ++i) {
      visit(index_name(name, i), actual.get(i), expected.get(i));
    }
  }

  void tuples(const std::string& name, const c10::ivalue::Tuple& actual,
              const c10::ivalue::Tuple& expected) {
    const size_t size = expected.elements().size();
    if (!same_length(name, actual.elements().size(), size, "tuple")) return;
    const auto fields = field_names(expected);
    if (fields != field_names(actual)) {
      return fail(name, "keys",
                  got("field names", c10::Join(",", fields), c10::Join(",", field_names(actual))),
                  "tuple");
    }
    for (size_t i = 0; i < size; ++i) {
      const std::string child = fields.empty() ? index_name(name, i) : member_name(name, fields[i]);
      visit(child, actual.elements()[i], expected.elements()[i]);
    }
  }

  void dicts(const std::string& name, const c10::Dict<IValue, IValue>& actual,
             const c10::Dict<IValue, IValue>& expected) {
    if (!same_length(name, actual.size(), expected.size(), "dict")) return;
    if (has_tensor_key(expected)) return tensor_keyed(name, actual, expected);
    for (const auto& item : expected) {
      const auto found = actual.find(item.key());
      const std::string child = member_name(name, key_text(item.key()));
      if (found == actual.end()) {
        fail(child, "keys", "key '" + key_text(item.key()) + "' is missing", "dict");
      } else {
        visit(child, found->value(), item.value());
      }
    }
  }

  /// Tensors as keys are compared like values, in the order of insertion.
  void tensor_keyed(const std::string& name, const c10::Dict<IValue, IValue>& actual,
                    const c10::Dict<IValue, IValue>& expected) {
    auto left = actual.begin();
    size_t index = 0;
    for (const auto& item : expected) {
      visit(index_name(name, index) + ".key", left->key(), item.key());
      visit(index_name(name, index) + ".value", left->value(), item.value());
      ++left;
      ++index;
    }
  }

  void leaf(const std::string& name, const std::string& kind, const IValue& actual,
            const IValue& expected) {
    if (kind == "float" || kind == "complex") return numbers(name, kind, actual, expected);
    if (actual == expected) return pass(name, kind, !expected.isNone());
    fail(name, "values", got("value", expected, actual), kind);
  }

  void numbers(const std::string& name, const std::string& kind, const IValue& actual,
               const IValue& expected) {
    const auto tensor = [&](const IValue& value) {
      if (kind == "float") return at::full({}, value.toDouble(), at::kDouble);
      return at::full({}, at::Scalar(value.toComplexDouble()), at::kComplexDouble);
    };
    values(name, tensor(actual), tensor(expected));
    results_.back().dtype = kind;
  }

  void tensors(const std::string& name, const at::Tensor& actual, const at::Tensor& expected) {
    const std::string dtype = dtype_of(expected.scalar_type()).name;
    if (actual.scalar_type() != expected.scalar_type()) {
      return fail(name, "dtype", got<std::string>("dtype", dtype, actual_dtype(actual)), dtype);
    }
    if (actual.sizes() != expected.sizes()) {
      return fail(name, "shape", got("shape", expected.sizes(), actual.sizes()), dtype);
    }
    if (actual.layout() != expected.layout()) {
      return fail(name, "type", got("layout", expected.layout(), actual.layout()), dtype);
    }
    if (same_device_type_ && actual.device().type() != expected.device().type()) {
      return fail(name, "device", got("device", expected.device(), actual.device()), dtype);
    }
    if (actual.layout() == c10::kStrided) return values(name, actual, expected);
    sparse(name, actual.cpu(), expected.cpu());
  }

  static std::string actual_dtype(const at::Tensor& actual) {
    return dtype_of(actual.scalar_type()).name;
  }

  void sparse(const std::string& name, const at::Tensor& actual, const at::Tensor& expected) {
    if (actual.layout() != c10::kSparse) {
      tensors(name + ".compressed_indices", compressed_indices(actual),
              compressed_indices(expected));
      tensors(name + ".plain_indices", plain_indices(actual), plain_indices(expected));
      return tensors(name + ".values", actual.values(), expected.values());
    }
    const at::Tensor left = actual.coalesce();
    const at::Tensor right = expected.coalesce();
    tensors(name + ".indices", left._indices(), right._indices());
    tensors(name + ".values", left._values(), right._values());
  }

  static at::Tensor plain(const at::Tensor& tensor) {
    at::Tensor host = tensor.detach().to(at::kCPU);
    if (host.is_quantized()) return host.dequantize();
    return host.resolve_conj().resolve_neg();
  }

  void values(const std::string& name, const at::Tensor& actual, const at::Tensor& expected) {
    OutputComparison result;
    result.name = name;
    result.dtype = dtype_of(expected.scalar_type()).name;
    result.shape = expected.sizes().vec();
    result.tolerance = policy_.of(name, expected.scalar_type());
    const at::Tensor reference = plain(expected);
    if (result.tolerance.of_largest > 0) {
      result.tolerance.atol += result.tolerance.of_largest * largest_ordinary(reference);
    }
    result.difference = compare_tensors(plain(actual), reference, result.tolerance);
    result.decisions = decisions(plain(actual), reference);
    const TensorDifference& difference = *result.difference;
    result.requirements = requirements_of(policy_.accept(name, expected.scalar_type()), difference);
    result.set_by = policy_.set_by(name, expected.scalar_type());
    result.decisive = could_fail(result);
    const bool by_figures = !result.requirements.empty() && difference.nonfinite_mismatched == 0;
    const std::string unmet = by_figures ? unmet_reason(result.requirements) : "";
    result.passed = by_figures ? unmet.empty() : difference.mismatched == 0;
    if (!result.passed) {
      result.reason = by_figures ? unmet : value_reason(difference);
      failed_.push_back({results_.size(), actual, expected});
    }
    results_.push_back(std::move(result));
  }

  /// Only of outputs that can be a classifier's: floating point, more than K values in the last
  /// dim.
  std::optional<Decisions> decisions(const at::Tensor& actual, const at::Tensor& expected) const {
    const int64_t k = policy_.topk();
    if (k < 1 || actual.dim() < 1 || !actual.is_floating_point() || actual.size(-1) <= k) return {};
    const auto places = [k](const at::Tensor& values) {
      return std::get<0>(std::get<1>(at::topk(values.to(at::kDouble), k)).sort(-1));
    };
    const at::Tensor differ = places(actual).ne(places(expected)).any(-1);
    return Decisions{k, differ.numel(), differ.sum().item<int64_t>()};
  }

  /// Failed outputs that equal one another's reference, element by element, were swapped.
  void find_resemblances() {
    if (failed_.size() > kMostToCrossCompare) return;
    for (const Failed& one : failed_) {
      for (const Failed& other : failed_) {
        if (one.result == other.result || !same_structure(one.actual, other.expected)) continue;
        const auto difference = compare_tensors(plain(one.actual), plain(other.expected),
                                                results_[one.result].tolerance);
        if (difference.mismatched > 0) continue;
        results_[one.result].resembles = results_[other.result].name;
        break;
      }
    }
  }

  static bool same_structure(const at::Tensor& left, const at::Tensor& right) {
    return left.scalar_type() == right.scalar_type() && left.sizes() == right.sizes();
  }

  static std::string value_reason(const TensorDifference& difference) {
    std::ostringstream text;
    text << "differs in " << difference.mismatched << " of " << difference.numel
         << (difference.numel == 1 ? " element" : " elements");
    if (difference.nan_actual > difference.nan_expected) {
      text << "; NaN in " << difference.nan_actual << ", the reference has "
           << difference.nan_expected;
    }
    return text.str();
  }

  /// A tensor whose values did not pass.
  struct Failed {
    size_t result;  ///< index into `results_`
    at::Tensor actual;
    at::Tensor expected;
  };

  const TolerancePolicy& policy_;
  bool same_device_type_;
  std::vector<OutputComparison> results_;
  std::vector<Failed> failed_;
};

}  // namespace

std::vector<OutputComparison> compare_values(const IValue& actual, const IValue& expected,
                                             const TolerancePolicy& policy, bool same_device_type) {
  Walk walk(policy, same_device_type);
  walk.visit("output", actual, expected);
  return walk.take();
}

bool all_passed(const std::vector<OutputComparison>& comparisons) {
  for (const OutputComparison& comparison : comparisons) {
    if (!comparison.passed) return false;
  }
  return !comparisons.empty();
}

}  // namespace tsharness
