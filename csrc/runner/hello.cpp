#include "runner/hello.h"

#include <ATen/Parallel.h>
#include <torch/version.h>
#include <unistd.h>

#include "core/compat.h"
#include "core/devices.h"
#include "core/host_facts.h"
#include "core/process_info.h"
#include "core/program.h"
#include "runner/job.h"

namespace tsharness {

Json hello(const std::string& libtorch) {
  Json kinds = Json::array();
  for (const ProgramKind& one : program_kinds()) kinds.push_back(one.name);
  return {{"protocol", kProtocolVersion},
          {"runner_version", TSHARNESS_VERSION},
          {"pid", ::getpid()},
          {"libtorch", libtorch},
          {"build",
           {{"libtorch", TORCH_VERSION},
            {"compiler", __VERSION__},
            {"cxx11_abi", _GLIBCXX_USE_CXX11_ABI},
            {"cxx_standard", __cplusplus}}},
          {"kinds", kinds},
          {"devices", available_devices()},
          {"threads",
           {{"intra_op", at::get_num_threads()}, {"inter_op", at::get_num_interop_threads()}}},
          {"cpu_capability", cpu_capability()},
          {"host", host_facts()},
          {"mapped_libraries", mapped_libraries()}};
}

}  // namespace tsharness
