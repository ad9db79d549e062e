// What hyperfine's users write: a program that does the work so often that its start matters less.
// repeat_calls MODEL CALLS
#include <torch/script.h>

#include <cstdlib>

int main(int, char** argv) {
  torch::NoGradGuard guard;
  auto module = torch::jit::load(argv[1]);
  const std::vector<torch::jit::IValue> inputs = {torch::ones({256})};
  for (int i = std::atoi(argv[2]); i > 0; --i) module.forward(inputs);
}
