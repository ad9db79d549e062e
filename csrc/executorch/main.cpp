#include "executorch/program.h"
#include "runner/application.h"

int main(int argc, char** argv) {
  tsharness::add_program_kind(
      {"executorch", tsharness::holds_executorch_program,
       [](const std::string& path, c10::Device device) -> std::unique_ptr<tsharness::Program> {
         return std::make_unique<tsharness::ExecutorchProgram>(path, device);
       }});
  tsharness::run_application(argc, argv);
}
