#include "core/whole_file.h"

#include <fcntl.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <random>

#include "core/descriptor.h"
#include "core/error.h"

namespace tsharness {

namespace {

/// Makes an empty file beside `path` that was not there, and is no link; its name, or nothing.
std::string file_beside(const std::string& path) {
  std::random_device source;
  do {
    const std::string name = path + '.' + std::to_string(source()) + ".part";
    const Descriptor made(::open(name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666));
    if (made.get() >= 0) return name;
  } while (errno == EEXIST);
  return {};
}

}  // namespace

WholeFile::WholeFile(std::string path) : path_(std::move(path)) {
  std::error_code none;
  const auto status = std::filesystem::status(path_, none);
  const bool plain = !std::filesystem::exists(status) || std::filesystem::is_regular_file(status) ||
                     std::filesystem::is_directory(status);
  if (plain) {
    unfinished_ = file_beside(path_);
    if (unfinished_.empty()) fail();
  }
  stream_.open(plain ? unfinished_ : path_, std::ios::binary);
  if (!stream_) fail();
}

WholeFile::~WholeFile() {
  if (!unfinished_.empty()) std::remove(unfinished_.c_str());
}

void WholeFile::commit() {
  stream_.close();
  if (!stream_) fail();
  if (unfinished_.empty()) return;
  if (std::rename(unfinished_.c_str(), path_.c_str()) != 0) fail();
  unfinished_.clear();
}

void WholeFile::fail() const {
  throw Error(ErrorKind::Usage, "cannot write " + path_ + ": " + std::strerror(errno));
}

}  // namespace tsharness
