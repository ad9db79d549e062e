#include "runner/bundle.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <vector>

#include "core/base64.h"
#include "core/error.h"
#include "core/json.h"
#include "core/printable.h"
#include "runner/bundle_job.h"
#include "runner/bundle_results.h"
#include "runner/events.h"
#include "runner/supervisor.h"

namespace tsharness {

namespace {

namespace fs = std::filesystem;

constexpr int kBundleVersion = 1;
constexpr int kCrash = 6;
constexpr uintmax_t kLargestFile = uintmax_t{64}
                                   << 20;  // bytes, of what comes back with the results

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Json read_bundle(const std::string& folder) {
  const fs::path path = fs::path(folder) / "bundle.json";
  if (!fs::is_regular_file(path)) {
    throw Error(ErrorKind::Usage, folder + " is no bundle: it has no bundle.json");
  }
  Json bundle = parse_untrusted_json(text_of(path), path.string());
  if (!bundle.is_object() || bundle.value("bundle_version", Json()) != kBundleVersion) {
    throw Error(ErrorKind::Usage, path.string() + ": this runner does bundles of version " +
                                      std::to_string(kBundleVersion) + "; make the bundle anew");
  }
  return bundle;
}

/// A folder that goes with the object.
class WorkFolder {
 public:
  WorkFolder() {
    std::string name = (fs::temp_directory_path() / "tsharness.XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      throw Error(ErrorKind::Usage,
                  "cannot make a folder in " + fs::temp_directory_path().string() + "; set TMPDIR");
    }
    path_ = name;
  }
  ~WorkFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// Runs a bundle, and keeps what came of it.
class BundleRun {
 public:
  BundleRun(const BundleRequest& request, Json bundle)
      : request_(request), bundle_(std::move(bundle)), kept_(request) {}

  int all() {
    greet();
    Json outcomes = Json::array();
    for (const Json& entry : bundle_.at("jobs")) {
      const auto purpose = entry.at("purpose").get<std::string>();
      const bool wanted =
          request_.only.empty() || (request_.only == "bench") == (purpose == "bench");
      outcomes.push_back(wanted ? one_job(entry, purpose) : Json());
    }
    results_["outcomes"] = outcomes;
    conclude();
    return code_;
  }

 private:
  void greet() {
    results_ = {{"kind", "bundle-results"},
                {"bundle_version", kBundleVersion},
                {"started", std::time(nullptr)},
                {"machine", machine()}};
    std::cout << "bundle  " << one_line(bundle_.at("title").get<std::string>()) << std::endl;
    const auto damage = bundle_.at("damage").get<std::string>();
    if (damage.empty()) return;
    code_ = worse_exit_code(code_, 1);
    std::cout << "FAIL  integrity: " << one_line(damage) << std::endl;
  }

  Json machine() const {
    Json files = Json::object();
    for (const Json& name : bundle_.at("machine_files")) {
      const auto path = name.get<std::string>();
      if (fs::exists(path)) files[path] = text_of(path);
    }
    cpu_set_t cores;
    CPU_ZERO(&cores);
    ::sched_getaffinity(0, sizeof cores, &cores);
    return {{"files", files},
            {"cores", ::sysconf(_SC_NPROCESSORS_ONLN)},
            {"affinity", CPU_COUNT(&cores)}};
  }

  /// Processes until nothing is left to do.
  Json one_job(const Json& entry, const std::string& purpose) {
    Json processes = Json::array();
    Json job = entry.at("job");
    const Json load = job.at("steps").at(0);
    for (;;) {
      const Ending ending = one_process(entry, job, purpose);
      processes.push_back(json_of(ending));
      if (ending.complete()) break;
      code_ = worse_exit_code(code_, kCrash);
      std::cout << "DIED  " << one_line(purpose + ": " + description(ending)) << std::endl;
      Json left = steps_left(job.at("steps"), ending);
      if (left.empty()) break;
      left.insert(left.begin(), load);
      job["steps"] = left;
    }
    return {{"processes", processes}};
  }

  Ending one_process(const Json& entry, const Json& job, const std::string& purpose) {
    const fs::path scratch = work_.path() / ("scratch-" + std::to_string(processes_++));
    fs::create_directories(scratch);
    Json placed = job;
    place(placed, {{"@bundle@", fs::absolute(request_.folder).string()},
                   {"@work@", work_.path().string()},
                   {"@scratch@", scratch.string()}});
    const auto show = [&](const Json& event) { this->show(event, purpose); };
    return supervise(placed, scratch, environment_of(bundle_, entry, scratch),
                     bundle_.at("timeout").get<double>(), show);
  }

  /// A line a case. What the other checks' events mean is for `tsharness report` to say.
  void show(const Json& event, const std::string& purpose) {
    const auto kind = event.at("event").get<std::string>();
    if (kind == "hello" && !greeted_) {
      greeted_ = true;
      print_event(event, std::cout);
    }
    if (purpose == "checks" || event.value("id", "") == "revisit") return;
    if (kind == "error") {
      code_ = worse_exit_code(code_, exit_code_of(event.value("kind", "")));
      print_event(event, std::cout);
    } else if (kind == "result" && event.contains("case")) {
      purpose == "verify" ? count(event) : time(event);
    }
  }

  void count(Json event) {
    // Of the checks that the user has left out, nothing is said.
    Json& problems = event["problems"];
    const Json& checks = bundle_.at("checks");
    problems.erase(std::remove_if(problems.begin(), problems.end(),
                                  [&](const Json& one) {
                                    return std::find(checks.begin(), checks.end(),
                                                     one.at("check")) == checks.end();
                                  }),
                   problems.end());
    print_event(event, std::cout);
    if (!problems.empty()) code_ = worse_exit_code(code_, 1);
    ++cases_;
    calls_ += event.at("calls").size();
    if (!event.at("passed").get<bool>()) code_ = worse_exit_code(code_, 1);
  }

  void time(const Json& event) {
    std::vector<double> medians;
    for (const Json& block : event.at("blocks")) medians.push_back(block.at("median_seconds"));
    const auto name = event.at("case").get<std::string>();
    medians_[name].push_back(median(medians));
    for (const Json& difference : event.at("outputs").at("differences")) {
      code_ = worse_exit_code(code_, 1);
      std::cout << "FAIL  " << one_line(name + ": " + difference.get<std::string>()) << std::endl;
    }
  }

  static double median(std::vector<double> values) {
    if (values.empty()) return 0;
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
  }

  static std::string description(const Ending& ending) {
    if (!ending.problem.empty()) return "the runner " + ending.message;
    const std::string how = ending.code < 0 ? "signal " + std::to_string(-ending.code)
                                            : "status " + std::to_string(ending.code);
    const size_t end = ending.printed.find_last_not_of('\n');
    const size_t line = ending.printed.rfind('\n', end);
    return "the runner ended with " + how +
           (end == std::string::npos ? "" : ": " + ending.printed.substr(line + 1, end - line));
  }

  static Json json_of(const Ending& ending) {
    return {{"events", ending.events},
            {"printed", ending.printed},
            {"code", ending.code},
            {"problem", ending.problem},
            {"message", ending.message}};
  }

  void conclude() {
    Json files = Json::object();
    for (const auto& file : fs::directory_iterator(work_.path())) {
      if (file.is_regular_file() && file.file_size() <= kLargestFile) {
        files[file.path().filename().string()] = base64(text_of(file.path()));
      }
    }
    results_["files"] = files;
    results_["ended"] = std::time(nullptr);
    results_["bundle"] = std::move(bundle_);
    for (const auto& [name, medians] : medians_) {
      std::cout << "time  " << one_line(name) << ": " << 1e6 * median(medians) << " us, median of "
                << medians.size() << " processes\n";
    }
    const char* verdict = code_ == 0 ? "PASS" : "FAIL";
    std::cout << verdict << "  " << cases_ << (cases_ == 1 ? " case, " : " cases, ") << calls_
              << " calls" << std::endl;
    kept_.write(results_.dump(-1, ' ', false, Json::error_handler_t::replace));
  }

  const BundleRequest& request_;
  Json bundle_;
  BundleResults kept_;
  const WorkFolder work_;
  Json results_;
  int code_ = 0;
  int processes_ = 0;
  size_t cases_ = 0;
  size_t calls_ = 0;
  bool greeted_ = false;
  std::map<std::string, std::vector<double>> medians_;  ///< seconds, by case, of each process
};

}  // namespace

int run_bundle(const BundleRequest& request) {
  Json bundle = read_bundle(request.folder);
  try {
    return BundleRun(request, std::move(bundle)).all();
  } catch (const Json::exception& error) {
    throw Error(ErrorKind::Usage, request.folder + "/bundle.json is damaged: " + error.what());
  }
}

}  // namespace tsharness
