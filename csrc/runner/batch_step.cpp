#include <ATen/Context.h>

#include <numeric>

#include "core/rows.h"
#include "runner/steps.h"

namespace tsharness {

namespace {

using Numbers = std::vector<int64_t>;
using Pairs = std::vector<std::pair<int64_t, int64_t>>;

Numbers numbers(int64_t first, int64_t count) {
  Numbers result(static_cast<size_t>(count));
  std::iota(result.begin(), result.end(), first);
  return result;
}

/// Where an output has its rows.
struct Place {
  std::string name;
  int64_t dim;
};

/// A call with other rows: row `first` of each pair must be row `second` of the case's own outputs.
struct Relation {
  std::string name;
  BoundCall call;
  int64_t rows;
  Pairs pairs;
  std::map<std::string, at::Tensor> outputs;
  std::string error;
};

/// Relations that hold for every model whose rows do not influence one another, whatever it
/// computes: no reference is needed to see one broken.
class BatchRelations {
 public:
  BatchRelations(const PreparedCase& one, const Json& step, JobState& state)
      : case_(one),
        rows_(rows_of(one.bound(0), step, state.loaded())),
        session_(state.loaded()),
        seed_(state.job.seed),
        policy_(step.value("tolerance", Json()), state.loaded().device().type()) {}

  Json examine() {
    if (rows_.count() > 0) base_ = run(rows_.select(numbers(0, rows_.count())));
    if (candidates().empty()) return Json::array();
    make_relations();
    for (Relation& relation : relations_) {
      try {
        relation.outputs = run(relation.call);
      } catch (...) {
        relation.error = current_error(ErrorKind::Execution).what();
      }
    }
    places_ = following();
    Json found = Json::array();
    if (places_.empty()) return found;
    for (const Relation& one : relations_) {
      found.push_back({{"name", one.name},
                       {"rows", one.rows},
                       {"error", one.error.empty() ? Json() : Json(one.error)},
                       {"difference", one.error.empty() ? difference(one) : ""}});
    }
    return found;
  }

  int64_t count() const { return rows_.count(); }
  bool rows_differ() const { return rows_.differ(); }
  size_t outputs() const { return places_.size(); }

  /// Outputs with rows whose other dims depend on the rows together.
  Json reshaped() const { return reshaped_; }

  /// Outputs that have as many indices as there are rows, and keep them when there are others.
  Json unchanged() const {
    Json names = Json::array();
    for (const Place& place : candidates()) {
      if (place.dim == 0 && base_.at(place.name).numel() > 0 && keeps(place)) {
        names.push_back(place.name);
      }
    }
    return names;
  }

 private:
  using Outputs = std::map<std::string, at::Tensor>;

  static Rows rows_of(const BoundCall& call, const Json& step, const Session& session) {
    if (!step.contains("dims")) return Rows(call);
    std::vector<std::string> names;
    for (size_t i = 0; i < call.args.size(); ++i) {
      names.push_back(session.argument_name(call.method, i));
    }
    return Rows(call, step.at("dims").get<std::map<std::string, int64_t>>(), names);
  }

  Outputs run(const BoundCall& call) {
    at::manual_seed(seed_);
    session_.restore();
    Outputs outputs;
    for (const auto& [name, tensor] :
         output_tensors(case_.arranged(0, session_.run(call.clone(session_.device()))))) {
      outputs.emplace(name, tensor.clone());
    }
    return outputs;
  }

  void make_relations() {
    const int64_t count = rows_.count();
    const Numbers all = numbers(0, count);
    if (count == 1) {
      relations_.push_back({"mirrored", rows_.mirrored(), 3, {{0, 0}, {2, 0}}, {}, ""});
      return;
    }
    Pairs reversed, first, same;
    for (const int64_t i : all) {
      reversed.emplace_back(i, count - 1 - i);
      first.emplace_back(i, 0);
      same.emplace_back(i, i);
    }
    const auto add = [this](const char* name, BoundCall call, int64_t rows, const Pairs& pairs) {
      relations_.push_back({name, std::move(call), rows, pairs, {}, ""});
    };
    add("permuted", rows_.select({all.rbegin(), all.rend()}), count, reversed);
    add("identical", rows_.select(Numbers(all.size(), 0)), count, first);
    add("first alone", rows_.select({0}), 1, {{0, 0}});
    add("last alone", rows_.select({count - 1}), 1, {{0, count - 1}});
    add("padded", rows_.padded(1), count + 1, same);
  }

  /// Every dim that is as long as the batch.
  std::vector<Place> candidates() const {
    std::vector<Place> found;
    for (const auto& [name, tensor] : base_) {
      for (int64_t dim = 0; dim < tensor.dim(); ++dim) {
        if (tensor.size(dim) == rows_.count()) found.push_back({name, dim});
      }
    }
    return found;
  }

  /// The size of that dim in a call with another number of rows; -1 without it.
  int64_t size_in(const Relation& one, const Place& place) const {
    const auto found = one.outputs.find(place.name);
    if (found == one.outputs.end() || place.dim >= found->second.dim()) return -1;
    return found->second.size(place.dim);
  }

  /// Relations that ran with another number of rows.
  std::vector<const Relation*> resized() const {
    std::vector<const Relation*> found;
    for (const Relation& one : relations_) {
      if (one.error.empty() && one.rows != rows_.count()) found.push_back(&one);
    }
    return found;
  }

  /// Outputs hold rows where their size follows the number of rows: another dim may be as long by
  /// chance. Where no other number can be called, the first dim of each.
  std::vector<Place> following() {
    std::vector<Place> found;
    const auto others = resized();
    for (const Place& place : candidates()) {
      if (!found.empty() && found.back().name == place.name) continue;
      if (!reshaped_.empty() && reshaped_.back() == place.name) continue;
      bool follows = !others.empty() || place.dim == 0;
      for (const Relation* one : others) follows = follows && size_in(*one, place) == one->rows;
      if (!follows) continue;
      if (reshaped(place)) {
        reshaped_.push_back(place.name);
      } else {
        found.push_back(place);
      }
    }
    return found;
  }

  /// Whether its other dims depend on which rows there are, as where rows are padded to the
  /// longest.
  bool reshaped(const Place& place) const {
    const auto others = [&place](const at::Tensor& tensor) {
      auto sizes = tensor.sizes().vec();
      sizes[static_cast<size_t>(place.dim)] = 0;
      return sizes;
    };
    for (const Relation& one : relations_) {
      const auto found = one.outputs.find(place.name);
      if (found == one.outputs.end() || !one.error.empty()) continue;
      if (found->second.dim() <= place.dim) return true;
      if (others(found->second) != others(base_.at(place.name))) return true;
    }
    return false;
  }

  bool keeps(const Place& place) const {
    const auto others = resized();
    bool kept = !others.empty();
    for (const Relation* one : others) kept = kept && size_in(*one, place) == rows_.count();
    return kept;
  }

  std::string difference(const Relation& relation) const {
    Numbers left;
    Numbers right;
    for (const auto& [mine, base] : relation.pairs) {
      left.push_back(mine);
      right.push_back(base);
    }
    for (const Place& place : places_) {
      const auto compared =
          compare_values(select_rows(relation.outputs.at(place.name), left, place.dim),
                         select_rows(base_.at(place.name), right, place.dim), policy_);
      if (!all_passed(compared)) return place.name + " " + compared.front().reason;
    }
    return "";
  }

  const PreparedCase& case_;
  Rows rows_;
  Session& session_;
  uint64_t seed_;
  TolerancePolicy policy_;
  Outputs base_;
  std::vector<Relation> relations_;
  std::vector<Place> places_;
  std::vector<std::string> reshaped_;
};

}  // namespace

void batch_step(const Json& step, JobState& state) {
  const bool one_is_enough = step.value("until_shown", false);
  bool shown = false;
  const auto examine = [&](const Case& one) {
    const PreparedCase prepared = prepare_case(one, step, state);
    BatchRelations relations(prepared, step, state);
    const Json found = relations.examine();
    shown = shown || (!found.empty() && relations.rows_differ());
    state.events.emit("result", {{"step", "batch"},
                                 {"case", one.name},
                                 {"rows", relations.count()},
                                 {"rows_differ", relations.rows_differ()},
                                 {"outputs", relations.outputs()},
                                 {"unchanged", relations.unchanged()},
                                 {"reshaped", relations.reshaped()},
                                 {"relations", found}});
  };
  for_each_case(step, state, examine, [&] { return one_is_enough && shown; });
}

}  // namespace tsharness
