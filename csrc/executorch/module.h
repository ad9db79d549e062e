#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tsharness {

// ExecuTorch's runtime without its headers: they bring copies of LibTorch's own, so nothing may
// include both.

/// A value that goes in or comes out.
struct ExecutorchValue {
  enum class Type { None, Int, Double, Bool, String, Tensor };
  Type type = Type::None;
  int64_t integer = 0;  ///< or a bool
  double number = 0;
  std::string text;
  // Of a tensor. Its memory is the caller's, or of an output the module's until the next call.
  void* data = nullptr;
  int dtype = 0;  ///< both libraries number dtypes alike (c10::ScalarType)
  std::vector<int64_t> sizes;
  std::vector<int64_t> strides;  ///< in elements
};

/// What the program says of one of its methods.
struct ExecutorchMethod {
  std::string name;
  size_t inputs = 0;
  size_t outputs = 0;
  std::vector<std::string> backends;   ///< what parts of it were delegated to
  std::vector<int64_t> planned_bytes;  ///< of each buffer that its memory plan has
};

/// A loaded program (.pte). Not for two threads at once.
class ExecutorchModule {
 public:
  /// Raises std::runtime_error with what the runtime said.
  explicit ExecutorchModule(const std::string& path);
  ~ExecutorchModule();

  const std::vector<ExecutorchMethod>& methods() const { return methods_; }
  /// `alone`: on the calling thread only, without the runtime's pool.
  /// Raises std::runtime_error with what the runtime said.
  std::vector<ExecutorchValue> execute(const std::string& method,
                                       const std::vector<ExecutorchValue>& inputs, bool alone);

 private:
  struct Runtime;
  std::unique_ptr<Runtime> runtime_;
  std::vector<ExecutorchMethod> methods_;
};

}  // namespace tsharness
