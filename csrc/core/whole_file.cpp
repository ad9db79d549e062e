#include "core/whole_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <random>

#include "core/descriptor.h"
#include "core/error.h"

namespace tsharness {

namespace {

namespace fs = std::filesystem;

constexpr int kMostLinks = 40;

/// Whether the links in that folder stand for open files.
bool holds_descriptors(const fs::path& folder) {
  std::error_code none;
  const fs::path real = fs::canonical(folder.empty() ? "." : folder, none);
  return real.filename() == "fd" && real.string().rfind("/proc/", 0) == 0;
}

/// The path that is replaced; empty for what is no regular file.
fs::path place_of(fs::path path) {
  std::error_code none;
  for (int links = 0; links < kMostLinks; ++links) {
    if (holds_descriptors(path.parent_path())) return {};
    if (!fs::is_symlink(path, none)) break;
    path = path.parent_path() / fs::read_symlink(path, none);
  }
  const auto status = fs::status(path, none);
  const bool plain = !fs::exists(status) || fs::is_regular_file(status) || fs::is_directory(status);
  return plain ? path : fs::path();
}

/// The mode of the file that is there, or of a new one.
mode_t mode_of(const fs::path& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) ? status.st_mode & 0777
                                                                       : 0666;
}

/// Makes an empty file beside `path` that was not there, and is no link; its name, or nothing.
std::string file_beside(const fs::path& path) {
  std::random_device source;
  do {
    const fs::path name = path.parent_path() / (".tsharness-" + std::to_string(source()));
    const Descriptor made(
        ::open(name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode_of(path)));
    if (made.get() >= 0) return name;
  } while (errno == EEXIST);
  return {};
}

}  // namespace

WholeFile::WholeFile(std::string path) : path_(std::move(path)), place_(place_of(path_)) {
  if (!place_.empty()) {
    unfinished_ = file_beside(place_);
    if (unfinished_.empty()) fail();
  }
  stream_.open(place_.empty() ? path_ : unfinished_, std::ios::binary);
  if (!stream_) fail();
}

WholeFile::~WholeFile() {
  if (!unfinished_.empty()) std::remove(unfinished_.c_str());
}

void WholeFile::commit() {
  stream_.close();
  if (!stream_) fail();
  if (place_.empty()) return;
  if (std::rename(unfinished_.c_str(), place_.c_str()) != 0) fail();
  unfinished_.clear();
}

void WholeFile::fail() const {
  throw Error(ErrorKind::Usage, "cannot write " + path_ + ": " + std::strerror(errno));
}

}  // namespace tsharness
