#pragma once

#include <memory>
#include <set>
#include <string>

#include "core/session.h"

namespace tsharness {

/// A session, and all that LibTorch compiled for it.
struct Loaded {
  std::unique_ptr<Session> session;
  std::set<std::string> operators;  ///< core/compiled_operators.h
};

/// Loads an artifact. `judged` is what the inspection has judged of it (core/judged.h), or null:
/// then nobody has. Where LibTorch finds something else in a file of TorchScript, before it is
/// loaded or after, Error(Refused) is raised, and no method has been called. Raises besides as
/// `Session` does.
Loaded load_session(const Json& judged, const std::string& path, c10::Device device,
                    const Cast& cast, const std::string& kind);

}  // namespace tsharness
