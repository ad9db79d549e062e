#include "core/counters.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

namespace tsharness {

namespace {

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

/// The number behind `name` in a file of lines "name number", -1 if there is none.
double named_number(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  std::string word;
  double number = 0;
  while (file >> word) {
    if (word == name && file >> number) return number;
    file.clear();
  }
  return -1;
}

double microseconds(double value) { return value < 0 ? -1 : 1e-6 * value; }

/// Of the control group's statistics: version 2 counts microseconds, version 1 nanoseconds.
double read_throttled(const std::string& root) {
  const double newer = named_number(root + "sys/fs/cgroup/cpu.stat", "throttled_usec");
  if (newer >= 0) return microseconds(newer);
  const double older = named_number(root + "sys/fs/cgroup/cpu/cpu.stat", "throttled_time");
  return older < 0 ? -1 : 1e-9 * older;
}

/// "cpu user nice system idle iowait irq softirq steal", in ticks.
double read_stolen(const std::string& root) {
  std::ifstream file(root + "proc/stat");
  std::string label;
  double ticks = -1;
  file >> label;
  for (int field = 0; field < 8; ++field) {
    if (!(file >> ticks)) return -1;
  }
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

/// Of "some avg10=0.00 avg60=0.00 avg300=0.00 total=123", in microseconds.
double read_waited(const std::string& root) {
  std::ifstream file(root + "proc/pressure/cpu");
  std::string line;
  std::getline(file, line);
  const auto at = line.find("total=");
  return at == std::string::npos ? -1 : microseconds(std::strtod(line.c_str() + at + 6, nullptr));
}

/// Of every package; a counter that has run over since the last look is taken for none at all.
double read_joules(const std::string& root) {
  double sum = -1;
  for (int package = 0;; ++package) {
    const std::string folder = root + "sys/class/powercap/intel-rapl:" + std::to_string(package);
    std::ifstream file(folder + "/energy_uj");
    double microjoules = 0;
    if (!(file >> microjoules)) return sum;
    sum = std::max(sum, 0.0) + 1e-6 * microjoules;
  }
}

double clock_mhz(const std::string& root) {
  const std::string cpu = std::to_string(::sched_getcpu());
  std::ifstream file(root + "sys/devices/system/cpu/cpu" + cpu + "/cpufreq/scaling_cur_freq");
  double khz = 0;
  return file >> khz ? khz / 1000 : -1;
}

double added(double after, double before) {
  return after < before || before < 0 ? -1 : after - before;
}

Json or_null(double value) { return value < 0 ? Json() : Json(value); }

}  // namespace

Counters Counters::now(const std::string& root) {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  Counters found;
  found.minor_faults = usage.ru_minflt;
  found.major_faults = usage.ru_majflt;
  found.voluntary_switches = usage.ru_nvcsw;
  found.involuntary_switches = usage.ru_nivcsw;
  found.cpu_seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
  found.throttled_seconds = read_throttled(root);
  found.stolen_seconds = read_stolen(root);
  found.waited_seconds = read_waited(root);
  found.joules = read_joules(root);
  found.mhz = clock_mhz(root);
  return found;
}

Counters Counters::since(const Counters& before) const {
  Counters result = *this;
  result.minor_faults -= before.minor_faults;
  result.major_faults -= before.major_faults;
  result.voluntary_switches -= before.voluntary_switches;
  result.involuntary_switches -= before.involuntary_switches;
  result.cpu_seconds -= before.cpu_seconds;
  result.throttled_seconds = added(throttled_seconds, before.throttled_seconds);
  result.stolen_seconds = added(stolen_seconds, before.stolen_seconds);
  result.joules = added(joules, before.joules);
  result.waited_seconds = added(waited_seconds, before.waited_seconds);
  return result;
}

Json Counters::to_json() const {
  return {{"minor_faults", minor_faults},
          {"major_faults", major_faults},
          {"voluntary_switches", voluntary_switches},
          {"involuntary_switches", involuntary_switches},
          {"cpu_seconds", cpu_seconds},
          {"throttled_seconds", or_null(throttled_seconds)},
          {"stolen_seconds", or_null(stolen_seconds)},
          {"waited_seconds", or_null(waited_seconds)},
          {"joules", or_null(joules)},
          {"mhz", or_null(mhz)}};
}

}  // namespace tsharness
