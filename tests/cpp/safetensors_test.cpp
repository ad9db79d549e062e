#include "core/safetensors.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/error.h"

namespace tsharness {
namespace {

class Safetensors : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "tsharness-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string file(const std::string& name, const std::string& bytes) const {
    std::ofstream(path(name), std::ios::binary) << bytes;
    return path(name);
  }
  std::string error_of(const std::string& bytes) const {
    try {
      SafetensorsReader(file("bad", bytes), 0, 0);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::CaseFile);
      return error.what();
    }
    return "";
  }

  std::filesystem::path folder_;
};

std::string with_header(const std::string& header, const std::string& data) {
  std::string bytes(8, '\0');
  bytes[0] = static_cast<char>(header.size());
  return bytes + header + data;
}

TEST_F(Safetensors, WhatIsWrittenIsRead) {
  SafetensorsWriter writer;
  const std::string data = "12345678";
  EXPECT_EQ(writer.add("F32", {2}, data, nullptr), "t0");
  EXPECT_EQ(writer.add("U8", {0}, "", nullptr), "t1");
  writer.write(path("a"), {{"key", "value"}});
  const SafetensorsReader reader(path("a"), 0, 0);
  EXPECT_EQ(reader.entry("t0").data, data);
  EXPECT_EQ(reader.entry("t0").shape, std::vector<int64_t>{2});
  EXPECT_EQ(reader.entry("t1").data, "");
  EXPECT_EQ(reader.metadata().at("key"), "value");
  EXPECT_THROW(reader.entry("t2"), Error);
}

TEST_F(Safetensors, ReadsAPartOfAFile) {
  SafetensorsWriter writer;
  writer.add("U8", {3}, "abc", nullptr);
  writer.write(path("a"), {});
  std::ifstream in(path("a"), std::ios::binary);
  const std::string inner{std::istreambuf_iterator<char>(in), {}};
  const SafetensorsReader reader(file("b", "xxxxx" + inner + "yyy"), 5, inner.size());
  EXPECT_EQ(reader.entry("t0").data, "abc");
}

TEST_F(Safetensors, DamageIsNamed) {
  EXPECT_NE(error_of("abc").find("too short"), std::string::npos);
  EXPECT_NE(error_of(with_header("{", "")).find("not valid JSON"), std::string::npos);
  const std::string entry = R"("dtype":"U8","shape":[4],"data_offsets":[0,4])";
  EXPECT_NE(error_of(with_header("{\"a\":{" + entry + "}}", "123")).find("outside"),
            std::string::npos);
  EXPECT_NE(error_of(with_header("{\"a\":{" + entry + "}}", "12345")).find("behind the last"),
            std::string::npos);
}

TEST_F(Safetensors, NothingIsLeftOfAFileThatCannotBeWritten) {
  SafetensorsWriter writer;
  EXPECT_THROW(writer.write(path("no/such/folder"), {}), Error);
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(Safetensors, AFolderIsNoFile) { EXPECT_THROW(SafetensorsReader(path(""), 0, 0), Error); }

}  // namespace
}  // namespace tsharness
