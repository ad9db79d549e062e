#include "core/counters.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace tsharness {
namespace {

namespace fs = std::filesystem;

/// A folder that stands for the system's own.
class System {
 public:
  System() : root_(fs::temp_directory_path() / ("counters-" + std::to_string(::getpid()))) {}
  ~System() { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  std::string root() const { return root_.string() + "/"; }

 private:
  fs::path root_;
};

TEST(Counters, ReadsWhatTheSystemCounts) {
  const System system;
  system.write("sys/fs/cgroup/cpu.stat", "usage_usec 5\nnr_throttled 3\nthrottled_usec 2500000\n");
  system.write("proc/stat", "cpu  1 2 3 4 5 6 7 800 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n");
  system.write("proc/pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\n");
  system.write("sys/class/powercap/intel-rapl:0/energy_uj", "4000000\n");
  system.write("sys/class/powercap/intel-rapl:1/energy_uj", "1000000\n");
  const Counters found = Counters::now(system.root());
  EXPECT_DOUBLE_EQ(found.throttled_seconds, 2.5);
  EXPECT_DOUBLE_EQ(found.stolen_seconds, 800.0 / ::sysconf(_SC_CLK_TCK));
  EXPECT_DOUBLE_EQ(found.waited_seconds, 1.5);
  EXPECT_DOUBLE_EQ(found.joules, 5.0);
}

TEST(Counters, ReadsTheOlderControlGroups) {
  const System system;
  system.write("sys/fs/cgroup/cpu/cpu.stat", "nr_periods 1\nthrottled_time 3000000000\n");
  EXPECT_DOUBLE_EQ(Counters::now(system.root()).throttled_seconds, 3.0);
}

TEST(Counters, WhatTheSystemDoesNotSayIsNull) {
  const System system;
  const Json json = Counters::now(system.root()).to_json();
  for (const char* name :
       {"throttled_seconds", "stolen_seconds", "waited_seconds", "joules", "mhz"}) {
    EXPECT_TRUE(json.at(name).is_null()) << name;
  }
  EXPECT_GT(json.at("cpu_seconds").get<double>(), 0);
}

TEST(Counters, CountsWhatWasAdded) {
  const System system;
  system.write("sys/fs/cgroup/cpu.stat", "throttled_usec 1000000\n");
  const Counters before = Counters::now(system.root());
  system.write("sys/fs/cgroup/cpu.stat", "throttled_usec 1250000\n");
  std::vector<char> memory(64 << 20, 1);  // faults in pages
  const Counters added = Counters::now(system.root()).since(before);
  EXPECT_DOUBLE_EQ(added.throttled_seconds, 0.25);
  EXPECT_GT(added.minor_faults, 0);
  EXPECT_EQ(memory.back(), 1);
}

}  // namespace
}  // namespace tsharness
