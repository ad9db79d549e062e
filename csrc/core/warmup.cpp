#include "core/warmup.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace tsharness {

namespace {

constexpr double kBlockSeconds = 2e-3;
constexpr double kShortest = 1e-9;  // seconds: a clock may not move at all

}  // namespace

void ChangePoint::add(double seconds) { logs_.push_back(std::log(std::max(seconds, kShortest))); }

size_t ChangePoint::transient() const {
  if (logs_.size() <= kFewest) return 0;
  // From the end, so that one pass has the sums of every tail.
  double sum = 0;
  double squares = 0;
  double least = std::numeric_limits<double>::infinity();
  size_t found = 0;
  const double reference = logs_.back();  // keeps the squares small
  for (size_t first = logs_.size(); first-- > 0;) {
    const double value = logs_[first] - reference;
    sum += value;
    squares += value * value;
    const size_t left = logs_.size() - first;
    if (left < kFewest) continue;
    const auto n = static_cast<double>(left);
    const double error = std::max(0.0, squares - sum * sum / n) / (n * n);
    if (error <= least) {
      least = error;
      found = first;
    }
  }
  return found;
}

bool ChangePoint::steady() const {
  return logs_.size() > 2 * kFewest && 2 * transient() <= logs_.size();
}

int64_t WarmUp::calls() const {
  return std::accumulate(blocks.begin(), blocks.end(), int64_t{0},
                         [](int64_t sum, const CallBlock& one) { return sum + one.calls; });
}

double WarmUp::seconds() const {
  return std::accumulate(blocks.begin(), blocks.end(), 0.0,
                         [](double sum, const CallBlock& one) { return sum + one.seconds; });
}

Json to_json(const WarmUp& warmup) {
  Json blocks = Json::array();
  int64_t transient_calls = 0;
  for (size_t i = 0; i < warmup.blocks.size(); ++i) {
    blocks.push_back({warmup.blocks[i].calls, warmup.blocks[i].seconds});
    if (i < warmup.transient) transient_calls += warmup.blocks[i].calls;
  }
  return {{"first_seconds", warmup.blocks.front().seconds},
          {"calls", warmup.calls()},
          {"seconds", warmup.seconds()},
          {"transient_calls", transient_calls},
          {"steady", warmup.steady},
          {"blocks", blocks}};
}

double WarmUp::seconds_per_call() const {
  std::vector<double> last;
  for (size_t i = blocks.size(); i-- > 0 && last.size() < ChangePoint::kFewest;) {
    last.push_back(blocks[i].seconds_per_call());
  }
  std::nth_element(last.begin(), last.begin() + static_cast<ptrdiff_t>(last.size() / 2),
                   last.end());
  return std::max(last.at(last.size() / 2), kShortest);
}

WarmUp warm_up(const std::function<void()>& call, const WarmUpOptions& options,
               const std::function<void()>& pause, const Clock& clock) {
  WarmUp result;
  ChangePoint change;
  int64_t calls = 1;
  double spent = 0;
  while (true) {
    const double start = clock();
    for (int64_t i = 0; i < calls; ++i) call();
    const double took = clock() - start;
    spent += took;
    result.blocks.push_back({calls, took});
    change.add(result.blocks.back().seconds_per_call());
    if (pause) pause();
    if (spent >= options.max_seconds) break;
    if (result.blocks.size() >= options.min_blocks && spent >= options.min_seconds &&
        change.steady()) {
      break;
    }
    if (result.blocks.size() > 2 && took < kBlockSeconds / 2) calls *= 2;
  }
  result.transient = change.transient();
  result.steady = change.steady();
  return result;
}

}  // namespace tsharness
