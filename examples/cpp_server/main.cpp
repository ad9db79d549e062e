// A server that answers nothing before its artifact has proved that it computes, here and now, what
// it computed where it was exported. Requests are lines of numbers, as many as the model takes:
//
//   echo "1 2 3 4 5 6 7 8 9 10" | ./server linear.pt

#include <torch/script.h>
#include <tsharness/core/verify.h>

#include <iostream>
#include <iterator>
#include <sstream>
#include <vector>

namespace {

torch::Tensor row_of(const std::string& line) {
  std::istringstream numbers(line);
  const std::vector<float> row{std::istream_iterator<float>(numbers), {}};
  return torch::tensor(row).unsqueeze(0);
}

int serve(const std::string& artifact) {
  torch::jit::Module model = torch::jit::load(artifact);
  const c10::InferenceMode guard;
  std::string line;
  while (std::getline(std::cin, line)) {
    try {
      std::cout << model.forward({row_of(line)}).toTensor() << std::endl;
    } catch (const std::exception& error) {
      std::cout << "refused: " << error.what() << std::endl;
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: server ARTIFACT.pt\n";
    return 2;
  }
  const tsharness::Verification verification = tsharness::verify_artifact(argv[1]);
  std::cerr << verification.text() << "\n";
  if (!verification.passed()) return 1;
  return serve(argv[1]);
}
