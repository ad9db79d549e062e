#include "core/threads.h"

#include <exception>
#include <thread>
#include <vector>

namespace tsharness {

void in_threads(size_t count, const std::function<void(size_t)>& body) {
  std::vector<std::exception_ptr> problems(count);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < count; ++i) {
    threads.emplace_back([&body, &problem = problems[i], i] {
      try {
        body(i);
      } catch (...) {
        problem = std::current_exception();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& problem : problems) {
    if (problem) std::rethrow_exception(problem);
  }
}

}  // namespace tsharness
