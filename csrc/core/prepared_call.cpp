#include "core/prepared_call.h"

#include "core/error.h"

namespace tsharness {

PreparedCall::PreparedCall(const Session& session, const BoundCall& call)
    : module_(session.module()), method_(call.method) {
  std::vector<c10::IValue> stack = {session.state()};
  stack.insert(stack.end(), call.args.begin(), call.args.end());
  const torch::jit::Method method = session.method(call.method);
  translating_errors(ErrorKind::Input, [&] {
    method.function().getSchema().checkAndNormalizeInputs(stack, call.kwargs);
  });
  arguments_.assign(stack.begin() + 1, stack.end());
}

}  // namespace tsharness
