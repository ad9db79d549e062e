#pragma once

#include <cstdint>
#include <thread>
#include <vector>

namespace tsharness {

/// Runs `work` on `count` threads, this one among them. Not at::parallel_for: that is parallel only
/// in code compiled with the OpenMP runtime that this LibTorch happens to carry.
template <class Work>
void in_parallel(int64_t count, const Work& work) {
  std::vector<std::thread> others;
  for (int64_t i = 1; i < count; ++i) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();
}

}  // namespace tsharness
