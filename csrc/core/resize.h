#pragma once

#include "core/json.h"
#include "core/session.h"

namespace tsharness {

/// The call with arguments of other sizes: rows cut off, or begun anew as often as needed.
/// `change` is {"dims": [[argument, dim], ...], "size"}, or has "batch" for the dims: the first one
/// of all tensors with as many rows as the first tensor. Raises Error(Usage) for what the call does
/// not have.
BoundCall resized(const BoundCall& call, const Json& change, const Session& session);

}  // namespace tsharness
