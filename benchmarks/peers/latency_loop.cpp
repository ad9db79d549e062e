// The shortest program that times a TorchScript model in LibTorch: what `bench` is compared with.
// latency_loop MODEL SECONDS SIZE...: calls it with ones of that shape, first for half the seconds
// without looking. Prints the median in seconds, the mean of calls that were not timed one by one,
// and what reading the clock takes.
#include <torch/script.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

using Clock = std::chrono::steady_clock;

static double since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

int main(int, char** argv) {
  const double seconds = std::atof(argv[2]);
  std::vector<int64_t> sizes;
  for (char** size = argv + 3; *size != nullptr; ++size) sizes.push_back(std::atoll(*size));
  torch::NoGradGuard guard;
  auto module = torch::jit::load(argv[1]);
  const std::vector<torch::jit::IValue> inputs = {torch::ones(sizes)};
  auto start = Clock::now();
  int64_t calls = 0;
  for (; calls < 5 || since(start) < seconds / 2; ++calls) module.forward(inputs);
  start = Clock::now();
  for (int64_t i = 0; i < calls; ++i) module.forward(inputs);
  const double mean = since(start) / static_cast<double>(calls);
  std::vector<double> samples;
  for (start = Clock::now(); samples.size() < 5 || since(start) < seconds;) {
    const auto before = Clock::now();
    module.forward(inputs);
    samples.push_back(since(before));
  }
  std::nth_element(samples.begin(), samples.begin() + samples.size() / 2, samples.end());
  start = Clock::now();
  for (int i = 0; i < 1000; ++i) Clock::now();
  std::printf("%.9g %.9g %.9g\n", samples[samples.size() / 2], mean, since(start) / 1000);
}
