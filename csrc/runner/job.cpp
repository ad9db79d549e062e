#include "runner/job.h"

#include "core/error.h"

namespace tsharness {

namespace {

CaseFileLocation parse_location(const Json& json) {
  return {json.at("path").get<std::string>(), json.value("offset", uint64_t{0}),
          json.value("size", uint64_t{0})};
}

}  // namespace

Job parse_job(const Json& json) {
  try {
    const int protocol = json.at("protocol").get<int>();
    if (protocol != kProtocolVersion) {
      throw Error(ErrorKind::Usage, "the job speaks protocol " + std::to_string(protocol) +
                                        ", this runner speaks " + std::to_string(kProtocolVersion));
    }
    Job job;
    job.artifact = json.at("artifact").get<std::string>();
    if (json.contains("cases") && !json["cases"].is_null()) {
      job.cases = parse_location(json["cases"]);
    }
    job.kind = json.value("kind", job.kind);
    job.device = json.value("device", job.device);
    job.threads = json.value("threads", job.threads);
    job.seed = json.value("seed", job.seed);
    job.memory_limit = json.value("memory_limit", job.memory_limit);
    job.libraries = json.value("libraries", job.libraries);
    if (json.contains("cage")) job.cage = json["cage"];
    if (json.contains("judged")) job.judged = json["judged"];
    if (json.contains("cast")) job.cast = json["cast"];
    if (json.contains("settings")) job.settings = json["settings"];
    job.nonce = json.value("nonce", job.nonce);
    for (const Json& step : json.at("steps")) {
      step.at("step").get_ref<const std::string&>();
      job.steps.push_back(step);
    }
    return job;
  } catch (const Json::exception& error) {
    throw Error(ErrorKind::Usage, std::string("malformed job: ") + error.what());
  }
}

}  // namespace tsharness
