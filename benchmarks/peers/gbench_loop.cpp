// What google-benchmark's users write: the artifact in MODEL, called with ones of 256.
#include <benchmark/benchmark.h>
#include <torch/script.h>

#include <cstdlib>

static void call(benchmark::State& state) {
  torch::NoGradGuard guard;
  auto module = torch::jit::load(std::getenv("MODEL"));
  const std::vector<torch::jit::IValue> inputs = {torch::ones({256})};
  for (int i = 0; i < 50; ++i) module.forward(inputs);
  for (auto _ : state) benchmark::DoNotOptimize(module.forward(inputs));
}
BENCHMARK(call);
BENCHMARK_MAIN();
