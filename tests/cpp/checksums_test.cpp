#include "core/checksums.h"

#include <gtest/gtest.h>
#include <torch/script.h>

#include <cstdio>
#include <fstream>
#include <iterator>

#include "core/error.h"
#include "core/sha256.h"

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

TEST_F(Checksums, TheHashIsThatOfTheStandard) {
  const auto digest = [](const std::string& text) {
    Sha256 sha;
    for (size_t at = 0; at < text.size(); at += 37) sha.update(text.substr(at, 37));
    return sha.digest();
  };
  // FIPS 180-4's own examples.
  EXPECT_EQ(digest(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(digest(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_F(Checksums, TheContentIsHashedWhateverTheChecksumsSay) {
  const std::string before = content_sha256(path_);
  torch::jit::Module module("m");
  module.register_buffer("weight", torch::arange(1000, torch::kFloat));
  module.save(path_);
  EXPECT_EQ(content_sha256(path_), before);
  module.attr("weight").toTensor()[500] = 7;
  module.save(path_);
  EXPECT_TRUE(damaged_records(path_).empty());
  EXPECT_NE(content_sha256(path_), before);
}

TEST_F(Checksums, NoSuchFileIsAnError) { EXPECT_THROW(damaged_records(path_ + ".none"), Error); }

}  // namespace
}  // namespace tsharness
