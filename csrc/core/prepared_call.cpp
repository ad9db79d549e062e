#include "core/prepared_call.h"

#include "core/error.h"

namespace tsharness {

PreparedCall::PreparedCall(const Session& session, const BoundCall& call)
    : function_(&session.method(call.method).function()) {
  stack_.reserve(call.args.size() + 1);
  stack_.emplace_back(session.state());
  stack_.insert(stack_.end(), call.args.begin(), call.args.end());
  translating_errors(ErrorKind::Input,
                     [&] { function_->getSchema().checkAndNormalizeInputs(stack_, call.kwargs); });
}

}  // namespace tsharness
