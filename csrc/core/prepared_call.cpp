#include "core/prepared_call.h"

#include "core/error.h"

namespace tsharness {

PreparedCall::PreparedCall(const Session& session, const BoundCall& call)
    : program_(session.shared_program()), method_(call.method) {
  if (session.flat()) {
    arguments_ = call.args;
    return;
  }
  std::vector<c10::IValue> stack = {session.state()};
  stack.insert(stack.end(), call.args.begin(), call.args.end());
  const c10::FunctionSchema schema = session.schema(call.method);
  translating_errors(ErrorKind::Input, [&] { schema.checkAndNormalizeInputs(stack, call.kwargs); });
  arguments_.assign(stack.begin() + 1, stack.end());
}

}  // namespace tsharness
