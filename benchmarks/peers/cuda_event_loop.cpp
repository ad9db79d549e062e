// The shortest program that times a TorchScript model with CUDA's own events: what the split of
// `bench --device cuda` is compared with. cuda_event_loop MODEL SECONDS SIZE...: prints the median
// of the device's seconds a call. The events are called by name in the library that LibTorch has
// loaded, so that no CUDA toolkit is needed.
#include <dlfcn.h>
#include <torch/script.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

using Clock = std::chrono::steady_clock;

template <class Function>
static Function cuda(const char* name) {
  void* found = dlsym(RTLD_DEFAULT, name);
  if (found == nullptr) {
    for (const char* library : {"libcudart.so.13", "libcudart.so.12", "libcudart.so.11.0"}) {
      if (void* handle = dlopen(library, RTLD_NOW | RTLD_GLOBAL)) found = dlsym(handle, name);
      if (found != nullptr) break;
    }
  }
  if (found == nullptr) std::fprintf(stderr, "no %s\n", name), std::exit(1);
  return reinterpret_cast<Function>(found);
}

int main(int, char** argv) {
  const double seconds = std::atof(argv[2]);
  std::vector<int64_t> sizes;
  for (char** size = argv + 3; *size != nullptr; ++size) sizes.push_back(std::atoll(*size));
  torch::NoGradGuard guard;
  auto module = torch::jit::load(argv[1], torch::kCUDA);
  const std::vector<torch::jit::IValue> inputs = {torch::ones(sizes, torch::kCUDA)};
  for (int i = 0; i < 50; ++i) module.forward(inputs);
  const auto create = cuda<int (*)(void**)>("cudaEventCreate");
  const auto record = cuda<int (*)(void*, void*)>("cudaEventRecord");
  const auto synchronize = cuda<int (*)(void*)>("cudaEventSynchronize");
  const auto elapsed = cuda<int (*)(float*, void*, void*)>("cudaEventElapsedTime");
  void* begin = nullptr;
  void* end = nullptr;
  create(&begin);
  create(&end);
  std::vector<float> samples;
  const auto start = Clock::now();
  while (samples.size() < 30 ||
         std::chrono::duration<double>(Clock::now() - start).count() < seconds) {
    record(begin, nullptr);
    module.forward(inputs);
    record(end, nullptr);
    synchronize(end);
    float milliseconds = 0;
    elapsed(&milliseconds, begin, end);
    samples.push_back(milliseconds);
  }
  std::nth_element(samples.begin(), samples.begin() + samples.size() / 2, samples.end());
  std::printf("%.9g\n", 1e-3 * samples[samples.size() / 2]);
}
