#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <random>

#include "core/clock.h"
#include "core/threads.h"
#include "runner/samples_file.h"
#include "runner/timed_run.h"

namespace tsharness {

namespace {

/// A request, in seconds from the start. What a user waits is from `intended` to `finished`: a
/// request that could not even be sent, the server being busy, waits as well.
struct Request {
  double intended = 0;
  double sent = 0;
  double started = 0;
  double finished = 0;
};

/// Arrivals of a Poisson process: the gaps between them are exponential.
std::vector<Request> arrivals(double rate, size_t count, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::exponential_distribution<double> gap(rate);
  std::vector<Request> requests(count);
  double time = 0;
  for (Request& request : requests) request.intended = time += gap(random);
  return requests;
}

/// Requests that come when they come, whether or not the earlier ones are answered; workers take
/// them in their order.
class OpenLoop {
 public:
  OpenLoop(std::vector<TimedCase>& workers, std::vector<Request> requests, GradMode mode)
      : workers_(workers), requests_(std::move(requests)), mode_(mode) {}

  const std::vector<Request>& run() {
    start_ = now_seconds() + kLeadSeconds;
    in_threads(workers_.size() + 1,
               [this](size_t i) { i == 0 ? dispatch() : work(workers_[i - 1]); });
    return requests_;
  }

 private:
  static constexpr double kLeadSeconds = 10e-3;  // until all threads are there

  double now() const { return now_seconds() - start_; }

  void dispatch() {
    wake_on_time();
    for (size_t i = 0; i < requests_.size() && !failed_; ++i) {
      sleep_until(start_ + requests_[i].intended);
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        requests_[i].sent = now();
        queue_.push_back(i);
      }
      ready_.notify_one();
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
    ready_.notify_all();
  }

  void work(TimedCase& worker) {
    try {
      const GradGuard guard(mode_);
      while (const std::optional<size_t> next = take()) {
        Request& request = requests_[*next];
        request.started = now();
        worker.run();
        request.finished = now();
      }
    } catch (...) {
      failed_ = true;  // nothing more needs to be sent
      throw;
    }
  }

  /// The oldest request that waits; nothing once there will be none.
  std::optional<size_t> take() {
    std::unique_lock<std::mutex> lock(mutex_);
    ready_.wait(lock, [this] { return !queue_.empty() || closed_; });
    if (queue_.empty()) return std::nullopt;
    const size_t next = queue_.front();
    queue_.pop_front();
    return next;
  }

  std::vector<TimedCase>& workers_;
  std::vector<Request> requests_;
  GradMode mode_;
  double start_ = 0;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<size_t> queue_;
  bool closed_ = false;
  std::atomic<bool> failed_{false};
};

std::vector<double> rows_of(const std::vector<Request>& requests) {
  std::vector<double> rows;
  rows.reserve(4 * requests.size());
  for (const Request& one : requests) {
    rows.insert(rows.end(), {one.intended, one.sent, one.started, one.finished});
  }
  return rows;
}

}  // namespace

void server_step(const Json& step, JobState& state) {
  const double rate = step.value("rate", 10.0);
  const auto count = step.value("requests", size_t{1000});
  const auto workers = step.value("workers", size_t{1});
  if (rate <= 0 || count < 1 || workers < 1) {
    throw Error(ErrorKind::Usage, "'rate', 'requests' and 'workers' must be positive");
  }
  SamplesFile samples(step.value("samples", std::string()));
  for_each_case(step, state, [&](const Case& one) {
    TimedRun run(one, step, state, workers);
    run.warm_up();
    OpenLoop loop(run.callers(), arrivals(rate, count, step.value("seed", uint64_t{0})),
                  run.grad_mode());
    samples.begin(4);
    samples.add(rows_of(loop.run()));
    run.look();
    run.finish();
    Json event = run.to_json();
    event.update({{"step", "server"}, {"samples", samples.end()}});
    state.events.emit("result", event);
  });
}

}  // namespace tsharness
