#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/case_file.h"
#include "core/json.h"

namespace tsharness {

/// Major version of the protocol (docs/protocol.md): another one is refused.
constexpr int kProtocolVersion = 1;

/// What a runner process is asked to do.
struct Job {
  std::string artifact;
  std::optional<CaseFileLocation>
      cases;         ///< stated by the job; else found in or beside the artifact
  std::string kind;  ///< of the artifact (core/program.h); empty: what it holds
  std::string device = "cpu";
  int threads = 0;                     ///< of the intra-op pool; 0: LibTorch's own choice
  uint64_t seed = 0;                   ///< of LibTorch's generators, set before every case
  int64_t memory_limit = 0;            ///< bytes; 0: none
  std::vector<std::string> libraries;  ///< of operators, loaded before the artifact
  Json judged;                         ///< of the artifact (core/judged.h); null: nobody did
  Json cast;                           ///< of the artifact and its inputs (core/cast.h)
  Json cage = Json::object();  ///< {"mode", "scratch", "file_bytes", "cpu_seconds", "reads"}
  Json settings;               ///< of the whole process (core/settings.h)
  std::string nonce;           ///< comes back with every event, if not empty
  std::vector<Json> steps;
};

/// Reads a job. Unknown fields are ignored. Raises Error(Usage).
Job parse_job(const Json& json);

}  // namespace tsharness
