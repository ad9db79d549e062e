#pragma once

#include <map>
#include <set>
#include <string>

#include "core/json.h"

namespace tsharness {

/// What the inspection has judged of an artifact before anything ran it (docs/protocol.md,
/// "judged"). LibTorch must find nothing else in the file.
class Judged {
 public:
  /// {"records": {name: sha256}, "operators": [name], "harmless": {namespace: [name]}}
  explicit Judged(const Json& json);

  /// Before anything is loaded, since loading runs code: the records of code that LibTorch's own
  /// reader finds are those that were judged, with the same bytes, and name no other operator.
  /// Raises Error(Refused) where they are not, Error(Artifact) if LibTorch cannot read them.
  void check_code(const std::string& path) const;

  /// Before the first call: of all operators that LibTorch has compiled, none is one that was
  /// neither judged nor is known to be harmless. Raises Error(Refused).
  void check_compiled(const std::set<std::string>& operators) const;

 private:
  /// Those that nobody has judged, in words; empty if there are none.
  std::string unjudged(const std::set<std::string>& operators) const;

  std::map<std::string, std::string> records_;
  std::set<std::string> operators_;
};

}  // namespace tsharness
