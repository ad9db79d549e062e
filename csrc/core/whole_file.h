#pragma once

#include <fstream>
#include <string>

namespace tsharness {

/// A file that is there whole or not at all. It is written beside `path`, under a name that nothing
/// has, and takes its place by `commit`; without that it goes with the object, and what was at
/// `path` stays. What is no regular file (/dev/null, a FIFO) is written to as it is.
class WholeFile {
 public:
  /// Throws Error(Usage) if nothing can be written there.
  explicit WholeFile(std::string path);
  ~WholeFile();
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;
  std::ostream& stream() { return stream_; }
  /// Throws Error(Usage) if something was not written, or cannot take its place.
  void commit();

 private:
  [[noreturn]] void fail() const;
  std::string path_;
  std::string unfinished_;
  std::ofstream stream_;
};

}  // namespace tsharness
