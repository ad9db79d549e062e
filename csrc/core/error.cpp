#include "core/error.h"

#include <c10/util/Exception.h>

#include <new>

namespace tsharness {

const char* kind_name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::Usage:
      return "usage";
    case ErrorKind::CaseFile:
      return "case-file";
    case ErrorKind::Artifact:
      return "artifact";
    case ErrorKind::Input:
      return "input";
    case ErrorKind::Execution:
      return "execution";
    case ErrorKind::Memory:
      return "memory";
    case ErrorKind::Device:
      return "device";
    case ErrorKind::Refused:
      return "refused";
  }
  return "internal";
}

namespace {

/// The CPU allocator reports exhaustion as a plain c10::Error, and the interpreter rewraps errors
/// of every type: the text is what is left to go by.
bool is_out_of_memory(const std::string& message) {
  for (const char* sign : {"not enough memory", "can't allocate memory", "out of memory"}) {
    if (message.find(sign) != std::string::npos) return true;
  }
  return false;
}

Error from_message(ErrorKind fallback, const std::string& message) {
  return Error(is_out_of_memory(message) ? ErrorKind::Memory : fallback, message);
}

}  // namespace

Error current_error(ErrorKind fallback) {
  try {
    throw;
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return Error(ErrorKind::Memory, "an allocation failed (std::bad_alloc)");
  } catch (const c10::Error& error) {
    return from_message(fallback, error.what_without_backtrace());
  } catch (const std::exception& error) {
    return from_message(fallback, error.what());
  } catch (...) {
    return Error(fallback, "an exception that is not a std::exception was thrown");
  }
}

}  // namespace tsharness
