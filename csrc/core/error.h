#pragma once

#include <stdexcept>
#include <string>

namespace tsharness {

/// What went wrong, in the terms of the exit codes: the runner and Python map each kind to one
/// code.
enum class ErrorKind {
  Usage,      ///< the request is wrong: unknown method, case or option
  CaseFile,   ///< the case file is damaged or malformed
  Artifact,   ///< the artifact cannot be loaded
  Input,      ///< the inputs do not fit the method's schema
  Execution,  ///< the model raised while it ran
  Memory,     ///< an allocation failed or exceeded the limit
  Device,     ///< the device is not available to this LibTorch
  Refused,    ///< the artifact holds what nobody has judged
};

/// Lower-case name of a kind, as it stands in events: "usage", "case-file", "artifact", ...
const char* kind_name(ErrorKind kind);

/// The root of the error tree. `what()` is one or two lines: what was given, what was expected.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

/// Turns the exception that is being handled into an `Error`: torch's backtrace is dropped, a
/// failed allocation becomes `Memory`, an `Error` keeps its kind, everything else becomes
/// `fallback`. Must be called from inside a catch block.
Error current_error(ErrorKind fallback);

/// Runs `body`; whatever it throws leaves as an `Error` (see `current_error`).
template <class Body>
auto translating_errors(ErrorKind fallback, Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (...) {
    throw current_error(fallback);
  }
}

}  // namespace tsharness
