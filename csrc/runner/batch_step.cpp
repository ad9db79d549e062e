#include <ATen/Context.h>

#include <numeric>

#include "core/rows.h"
#include "runner/steps.h"

namespace tsharness {

namespace {

using Numbers = std::vector<int64_t>;

Numbers numbers(int64_t first, int64_t count) {
  Numbers result(static_cast<size_t>(count));
  std::iota(result.begin(), result.end(), first);
  return result;
}

/// Relations that hold for every model whose rows do not influence one another, whatever it
/// computes: no reference is needed to see one broken.
class BatchRelations {
 public:
  BatchRelations(const PreparedCase& one, const Json& step, JobState& state)
      : case_(one),
        rows_(one.bound(0)),
        session_(state.loaded()),
        seed_(state.job.seed),
        policy_({step.value("tolerance", Json())}, state.loaded().device().type()) {}

  Json examine() {
    if (rows_.count() > 0) base_ = outputs_with_rows(run(rows_.select(all())), rows_.count());
    if (base_.empty()) return relations_;
    if (rows_.count() == 1) {
      relation("mirrored", rows_.mirrored(), 3, {{0, 0}, {2, 0}});
      return relations_;
    }
    const int64_t count = rows_.count();
    Numbers reversed = all();
    std::reverse(reversed.begin(), reversed.end());
    Pairs pairs;
    for (int64_t i = 0; i < count; ++i) pairs.emplace_back(i, count - 1 - i);
    relation("permuted", rows_.select(reversed), count, pairs);
    pairs.clear();
    for (int64_t i = 0; i < count; ++i) pairs.emplace_back(i, 0);
    relation("identical", rows_.select(Numbers(static_cast<size_t>(count), 0)), count, pairs);
    relation("first alone", rows_.select({0}), 1, {{0, 0}});
    relation("last alone", rows_.select({count - 1}), 1, {{0, count - 1}});
    pairs.clear();
    for (int64_t i = 0; i < count; ++i) pairs.emplace_back(i, i);
    relation("padded", rows_.padded(1), count + 1, pairs);
    return relations_;
  }

  int64_t count() const { return rows_.count(); }
  bool rows_differ() const { return rows_.differ(); }
  size_t outputs() const { return base_.size(); }

 private:
  using Pairs = std::vector<std::pair<int64_t, int64_t>>;

  Numbers all() const { return numbers(0, rows_.count()); }

  c10::IValue run(const BoundCall& call) {
    at::manual_seed(seed_);
    session_.restore();
    return case_.arranged(0, session_.run(call.clone(session_.device())));
  }

  /// Row `first` of each pair must be row `second` of the case's own outputs.
  void relation(const std::string& name, const BoundCall& call, int64_t rows, const Pairs& pairs) {
    Json found = {{"name", name}, {"rows", rows}, {"error", nullptr}, {"difference", ""}};
    try {
      found["difference"] = difference(outputs_with_rows(run(call), rows), pairs);
    } catch (...) {
      found["error"] = current_error(ErrorKind::Execution).what();
    }
    relations_.push_back(found);
  }

  std::string difference(const std::vector<NamedTensor>& outputs, const Pairs& pairs) const {
    Numbers left;
    Numbers right;
    for (const auto& [mine, base] : pairs) {
      left.push_back(mine);
      right.push_back(base);
    }
    if (outputs.size() != base_.size()) return "other outputs have a row for each row of inputs";
    for (size_t i = 0; i < base_.size(); ++i) {
      const auto compared = compare_values(select_rows(outputs[i].second, left),
                                           select_rows(base_[i].second, right), policy_);
      if (!all_passed(compared)) return base_[i].first + " " + compared.front().reason;
    }
    return "";
  }

  const PreparedCase& case_;
  Rows rows_;
  Session& session_;
  uint64_t seed_;
  TolerancePolicy policy_;
  std::vector<NamedTensor> base_;
  Json relations_ = Json::array();
};

}  // namespace

void batch_step(const Json& step, JobState& state) {
  for_each_case(step, state, [&](const Case& one) {
    const PreparedCase prepared = prepare_case(one, step, state);
    BatchRelations relations(prepared, step, state);
    const Json found = relations.examine();
    state.events.emit("result", {{"step", "batch"},
                                 {"case", one.name},
                                 {"rows", relations.count()},
                                 {"rows_differ", relations.rows_differ()},
                                 {"outputs", relations.outputs()},
                                 {"relations", found}});
  });
}

}  // namespace tsharness
