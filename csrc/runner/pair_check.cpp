#include "runner/pair_check.h"

#include <algorithm>

#include "core/clock.h"

namespace tsharness {

namespace {

constexpr double kLookShare = 0.1;      // of the time, for looking at outputs
constexpr int64_t kMostLaterRuns = 64;  // behind the timing
constexpr double kMostCatchUp = 20;     // for the side that was timed less often, to run as often
constexpr const char* kSideNames[] = {"base", "new"};

bool each_passed(const Json& compared) {
  return std::all_of(compared.begin(), compared.end(),
                     [](const Json& one) { return one.at("passed").get<bool>(); });
}

}  // namespace

PairCheck::PairCheck(Sides& sides, const TolerancePolicy& policy)
    : sides_(sides), policy_(policy), start_(now_seconds()) {}

bool PairCheck::compare(const std::vector<c10::IValue>& actual,
                        const std::vector<c10::IValue>& expected, int64_t run) {
  ++compared_;
  const Json compared = sides_[1]->compare(actual, expected, policy_);
  if (each_passed(compared)) return true;
  run_ = run;
  outputs_ = Json::array();
  for (const Json& one : compared) {
    if (!one.at("passed").get<bool>()) outputs_.push_back(one);
  }
  return false;
}

bool PairCheck::look() {
  const double start = now_seconds();
  if (run_ > 0 || spent_ > kLookShare * (start - start_)) return false;
  for (const size_t i : {0, 1}) {
    if (run_ > 0 || sides_[1 - i]->keeps_state()) continue;
    const auto timed = sides_[i]->timed_outputs();
    const auto& first = sides_[1 - i]->first();
    if (!timed.empty()) compare(i == 1 ? timed : first, i == 1 ? first : timed, sides_[i]->runs());
  }
  spent_ += now_seconds() - start;
  return true;
}

bool PairCheck::as_at_first(size_t side, const std::vector<c10::IValue>& outputs) const {
  return each_passed(sides_[side]->compare(outputs, sides_[side]->first(), policy_));
}

/// Both at the same number of runs. Says in `problem_` why that cannot be.
bool PairCheck::level() {
  const size_t behind = sides_[0]->runs() < sides_[1]->runs() ? 0 : 1;
  Side& late = *sides_[behind];
  const int64_t runs = sides_[1 - behind]->runs();
  if (static_cast<double>(runs - late.runs()) * late.seconds_per_run() > kMostCatchUp) {
    problem_ = std::string("both change what they give from run to run, and ") +
               kSideNames[behind] + " is too slow to run as often as the other one did (" +
               std::to_string(runs) + " times)";
    return false;
  }
  late.catch_up(runs);
  return true;
}

void PairCheck::compare_runs() {
  const double end = now_seconds() + kLookShare * (now_seconds() - start_);
  for (int64_t i = 0; i < kMostLaterRuns && (i < 2 || now_seconds() < end); ++i) {
    const auto base = sides_[0]->run_once();
    const auto other = sides_[1]->run_once();
    if (!compare(other, base, std::max(sides_[0]->runs(), sides_[1]->runs()))) return;
  }
}

/// Both again from their first run on: which one was the first that differed? What only timing
/// brings about is not found again, and keeps the number that it had.
void PairCheck::find_run() {
  const double end = now_seconds() + (now_seconds() - start_);
  const int64_t last = run_;
  for (Side* side : {sides_[0].get(), sides_[1].get()}) side->restart();
  for (int64_t run = 1; run < last && now_seconds() < end; ++run) {
    const auto base = sides_[0]->run_once();
    const auto other = sides_[1]->run_once();
    if (!compare(other, base, run)) return;
  }
}

Json PairCheck::finish() {
  std::array<bool, 2> changed{};
  for (const size_t i : {0, 1}) changed[i] = !as_at_first(i, sides_[i]->run_once());
  for (const size_t i : {0, 1}) {
    if (changed[i]) changed_.push_back(kSideNames[i]);
  }
  // A side that keeps nothing gives the same whenever it is asked.
  const bool moves = changed[0] || changed[1];
  const bool both =
      (changed[0] || sides_[0]->keeps_state()) && (changed[1] || sides_[1]->keeps_state());
  if (run_ == 0 && (!moves || !both || level())) compare_runs();
  if (run_ > 0) find_run();
  return {{"compared", compared_},
          {"run", run_ > 0 ? Json(run_) : Json()},
          {"calls_per_run", sides_[0]->first().size()},
          {"changed", changed_},
          {"outputs", outputs_},
          {"problem", problem_}};
}

}  // namespace tsharness
