// A bare LibTorch program that loads an artifact, runs it once on ones of the given shape, and
// ends.
#include <torch/script.h>

#include <string>
#include <vector>

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  torch::jit::Module module = torch::jit::load(argv[1]);
  const torch::NoGradGuard no_grad;
  std::vector<int64_t> shape;
  for (int i = 2; i < argc; ++i) shape.push_back(std::stoll(argv[i]));
  const std::vector<c10::IValue> inputs = {torch::ones(shape)};
  const auto output = module.forward(inputs);
  return output.isTensor() ? 0 : 1;
}
