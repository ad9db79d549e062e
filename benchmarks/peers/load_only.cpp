// The least that a LibTorch program can do: load an artifact, and end.
#include <torch/script.h>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const torch::jit::Module module = torch::jit::load(argv[1]);
  return module.get_methods().empty() ? 1 : 0;
}
