#include "runner/steps.h"

#include <filesystem>
#include <limits>

#include "core/clock.h"
#include "core/devices.h"
#include "core/infer.h"
#include "core/process_info.h"
#include "runner/loading.h"

namespace tsharness {

Session& JobState::loaded() const {
  if (session == nullptr) throw Error(ErrorKind::Usage, "the job needs the step 'load' first");
  return *session;
}

const CaseFile& JobState::case_file() {
  if (cases == nullptr) {
    const auto location = job.cases ? job.cases : locate_cases(job.artifact);
    if (!location && !std::filesystem::exists(job.artifact)) {
      throw Error(ErrorKind::Artifact, job.artifact + ": no such file");
    }
    if (!location) {
      throw Error(ErrorKind::Usage, job.artifact + ": no cases in it or beside it; name a file");
    }
    cases = std::make_unique<CaseFile>(*location);
  }
  return *cases;
}

const std::map<std::string, Step>& all_steps() {
  static const std::map<std::string, Step> steps = {
      {"load", load_step},     {"describe", describe_step},     {"run", run_step},
      {"bench", bench_step},   {"threads", threads_step},       {"soak", soak_step},
      {"batch", batch_step},   {"resize", resize_step},         {"probe", probe_step},
      {"tap", tap_step},       {"extract", extract_step},       {"ab", ab_step},
      {"server", server_step}, {"throughput", throughput_step}, {"paced", paced_step},
      {"split", split_step},   {"profile", profile_step},       {"instructions", instructions_step},
      {"turns", turns_step},   {"integrity", integrity_step}};
  return steps;
}

void load_step(const Json&, JobState& state) {
  state.events.emit("step-begin", {{"step", "load"}});
  const c10::Device device = available_device(state.job.device);
  for (const std::string& library : state.job.libraries) load_library(library);
  const double start = now_seconds();
  Loaded loaded = load_session(state.job.judged, state.job.artifact, device, Cast(state.job.cast),
                               state.job.kind);
  state.session = std::move(loaded.session);
  state.session->synchronize();
  state.events.emit("result", {{"step", "load"},
                               {"seconds", now_seconds() - start},
                               {"kind", state.session->kind()},
                               {"facts", state.session->facts()},
                               {"operators", loaded.operators},
                               {"branches", state.session->branches()},
                               {"device", device.str()},
                               {"parameters", state.session->parameter_count()},
                               {"parameter_bytes", state.session->parameter_bytes()},
                               {"peak_memory_bytes", peak_memory_bytes()}});
}

namespace {

/// By the schema alone, without what the graph would tell of each.
Json arguments_of(const Session& session, const std::string& method) {
  Json found = Json::array();
  if (session.flat()) return found;
  const c10::FunctionSchema schema = session.schema(method);
  for (size_t i = 1; i < schema.arguments().size(); ++i) {
    const c10::Argument& one = schema.arguments()[i];
    found.push_back({{"name", one.name()},
                     {"type", one.type()->annotation_str()},
                     {"has_default", one.default_value().has_value()},
                     {"hints", Json::array()},
                     {"parts", Json::array()}});
  }
  return found;
}

}  // namespace

void describe_step(const Json&, JobState& state) {
  state.events.emit("step-begin", {{"step", "describe"}});
  Json methods = Json::array();
  for (const MethodInfo& method : state.loaded().methods()) {
    Json arguments = Json::array();
    if (!state.loaded().has_graphs()) {
      methods.push_back({{"name", method.name},
                         {"schema", method.schema},
                         {"arguments", arguments_of(state.loaded(), method.name)},
                         {"sizes", Json::array()}});
      continue;
    }
    for (const ArgumentHints& one : infer_arguments(state.loaded().module(), method.name)) {
      arguments.push_back({{"name", one.name},
                           {"type", one.type},
                           {"has_default", one.has_default},
                           {"hints", one.hints},
                           {"parts", one.parts}});
    }
    methods.push_back({{"name", method.name},
                       {"schema", method.schema},
                       {"arguments", arguments},
                       {"sizes", characteristic_sizes(state.loaded().module(), method.name)}});
  }
  state.events.emit("result", {{"step", "describe"}, {"methods", methods}});
}

std::vector<std::string> case_names(const Json& step, JobState& state) {
  std::vector<std::string> names;
  if (step.contains("cases") && !step["cases"].is_null()) {
    names = step["cases"].get<std::vector<std::string>>();
  } else {
    for (const Case& one : state.case_file().cases()) names.push_back(one.name);
  }
  if (names.empty()) throw Error(ErrorKind::Usage, "the case file has no cases");
  return names;
}

PreparedCase prepare_case(const Case& one, const Json& step, JobState& state) {
  state.loaded().name_arguments(state.case_file().document().value("signature", Json()));
  return PreparedCase(one, state.case_file().tensors(), state.loaded(),
                      step.value("tolerance", Json()),
                      step.value("float64_outputs", std::string()));
}

std::vector<PreparedCase> prepare_cases(const Json& step, JobState& state) {
  std::vector<PreparedCase> cases;
  for (const std::string& name : case_names(step, state)) {
    cases.push_back(prepare_case(state.case_file().find(name), step, state));
  }
  return cases;
}

void for_each_case(const Json& step, JobState& state, const std::function<void(const Case&)>& body,
                   const std::function<bool()>& enough) {
  const CaseFile& file = state.case_file();
  const double most = step.value("stop_after", std::numeric_limits<double>::infinity());
  const double start = now_seconds();
  bool first = true;
  for (const std::string& name : case_names(step, state)) {
    if (enough() || (!first && now_seconds() - start > most)) break;
    first = false;
    const Json where = {{"step", step["step"]}, {"case", name}};
    state.events.emit("step-begin", where);
    try {
      body(file.find(name));
    } catch (...) {
      state.events.emit_error(current_error(ErrorKind::Execution), where);
    }
  }
}

}  // namespace tsharness
