#include "core/whole_file.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "core/error.h"

namespace tsharness {
namespace {

namespace fs = std::filesystem;

class WholeFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "whole-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  void put(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
  }
  std::string text(const std::string& name) const {
    std::ifstream file(folder_ / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::ptrdiff_t files() const { return std::distance(fs::directory_iterator(folder_), {}); }

  fs::path folder_;
};

TEST_F(WholeFileTest, TakesItsPlaceWhenItIsWhole) {
  put("out", "old");
  {
    WholeFile file((folder_ / "out").string());
    file.stream() << "new";
    EXPECT_EQ(text("out"), "old");
    file.commit();
  }
  EXPECT_EQ(text("out"), "new");
  EXPECT_EQ(files(), 1);
}

TEST_F(WholeFileTest, GoesIfItIsNotCommitted) {
  put("out", "old");
  {
    WholeFile((folder_ / "out").string()).stream() << "half";
  }
  EXPECT_EQ(text("out"), "old");
  EXPECT_EQ(files(), 1);
}

TEST_F(WholeFileTest, TouchesNothingElseOfTheFolder) {
  put("elsewhere", "mine");
  put("out.part", "mine");
  fs::create_symlink("elsewhere", folder_ / "out.partial");
  WholeFile file((folder_ / "out").string());
  file.stream() << "new";
  file.commit();
  EXPECT_EQ(text("out.part"), "mine");
  EXPECT_EQ(text("elsewhere"), "mine");
  EXPECT_TRUE(fs::is_symlink(folder_ / "out.partial"));
  EXPECT_EQ(files(), 4);
}

TEST_F(WholeFileTest, ADeviceStaysADevice) {
  WholeFile file("/dev/null");
  file.stream() << "gone";
  file.commit();
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST_F(WholeFileTest, SaysWhatCannotBeWritten) {
  EXPECT_THROW(WholeFile((folder_ / "no" / "out").string()), Error);
  fs::create_directory(folder_ / "folder");
  WholeFile file((folder_ / "folder").string());
  file.stream() << "new";
  EXPECT_THROW(file.commit(), Error);
  EXPECT_TRUE(fs::is_directory(folder_ / "folder"));
}

}  // namespace
}  // namespace tsharness
