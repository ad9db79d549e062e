// The module tsharness._cage: the runner's cage for processes of Python. It needs neither torch nor
// LibTorch, so that the cage is there before they start threads.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <iostream>

#include "core/json.h"
#include "runner/cage.h"
#include "runner/cage_machine.h"
#include "runner/cage_rules.h"
#include "runner/system_calls.h"

namespace py = pybind11;

namespace tsharness {
namespace {

std::string enter(const std::string& rules, const std::string& mode) {
  return enter_cage(parse_cage_rules(Json::parse(rules)), mode).to_json().dump();
}

/// The job on standard input, by the C library's buffers, from which the runner's own reader goes
/// on; in the cage that the job describes, which lets the process read more: Python.
std::pair<std::string, std::string> enter_for_job(const std::vector<std::string>& read) {
  Json json;
  std::cin >> json;
  const Cage cage = cage_for(parse_job(json), read);
  return {json.dump(), cage.to_json().dump()};
}

}  // namespace
}  // namespace tsharness

PYBIND11_MODULE(_cage, module) {
  using namespace tsharness;
  module.doc() = "The cage, for this process. Use tsharness.runner.caged, not this.";
  module.def(
      "enter", &enter, py::arg("rules"), py::arg("mode"),
      "Locks this process in, for good: rules as JSON, mode auto, strict or off. Returns what "
      "of it there is, as JSON. Raises RuntimeError if strict cannot be had.");
  module.def(
      "enter_for_job", &enter_for_job, py::arg("read"),
      "Reads a runner's job from standard input, and locks this process in as it says; these "
      "files and folders may be read besides. Returns the job and the cage, both as JSON.");
  module.def(
      "allowed_calls", [] { return describe_allowed_calls().dump(); },
      "The system calls that the cage allows, as JSON (csrc/runner/system_calls.h).");
}
