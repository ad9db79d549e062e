#include "core/checksums.h"

#include <gtest/gtest.h>
#include <torch/script.h>

#include <cstdio>
#include <fstream>
#include <iterator>

#include "core/error.h"

namespace tsharness {
namespace {

class Checksums : public testing::Test {
 protected:
  Checksums() {
    torch::jit::Module module("m");
    module.register_buffer("weight", torch::arange(1000, torch::kFloat));
    module.save(path_);
  }
  ~Checksums() override { std::remove(path_.c_str()); }

  std::string bytes() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void write(const std::string& bytes) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
  }

  const std::string path_ = testing::TempDir() + "checksums_test.pt";
};

TEST_F(Checksums, ASavedArchiveIsWhole) { EXPECT_TRUE(damaged_records(path_).empty()); }

TEST_F(Checksums, AFlippedBitOfAWeightIsSeen) {
  std::string content = bytes();
  const float marker[] = {500, 501, 502};
  const size_t at = content.find(std::string(reinterpret_cast<const char*>(marker), sizeof marker));
  ASSERT_NE(at, std::string::npos);
  content[at] ^= 1;
  write(content);
  EXPECT_EQ(damaged_records(path_), std::vector<std::string>{"data/0"});
}

TEST_F(Checksums, WhatIsCutOffIsAnError) {
  write(bytes().substr(0, 3000));
  EXPECT_THROW(damaged_records(path_), Error);
  write("");
  EXPECT_THROW(damaged_records(path_), Error);
}

TEST_F(Checksums, ADirectoryThatPointsOutsideIsAnError) {
  std::string content = bytes();
  const size_t end = content.rfind("PK\x06\x06");  // LibTorch writes the 64-bit form
  ASSERT_NE(end, std::string::npos);
  content.replace(end + 48, 4, "\xf0\xff\xff\x7f");
  write(content);
  EXPECT_THROW(damaged_records(path_), Error);
}

TEST_F(Checksums, NoSuchFileIsAnError) { EXPECT_THROW(damaged_records(path_ + ".none"), Error); }

}  // namespace
}  // namespace tsharness
