#include "runner/operators.h"

#include <torch/csrc/jit/runtime/operator.h>

namespace tsharness {

Json operators() {
  Json found = Json::array();
  for (const auto& one : torch::jit::getAllOperators()) {
    const c10::FunctionSchema& schema = one->schema();
    Json names = Json::array();
    int required = 0;
    for (const c10::Argument& argument : schema.arguments()) {
      names.push_back(argument.name());
      required += !argument.default_value().has_value();
    }
    found.push_back({{"name", schema.name()},
                     {"overload", schema.overload_name()},
                     {"arguments", names},
                     {"required", required}});
  }
  return found;
}

}  // namespace tsharness
