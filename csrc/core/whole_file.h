#pragma once

#include <fstream>
#include <string>

namespace tsharness {

/// A file that is there whole or not at all. It is written beside `path`, under a name that nothing
/// has, and takes its place by `commit`; without that it goes with the object, and what was at
/// `path` stays. A link stays, and what it leads to is replaced; a file that was there keeps its
/// mode; what is no regular file (a device, a FIFO, a descriptor) is written to as it is.
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
  std::string place_;       // behind all links; empty for what is written to as it is
  std::string unfinished_;  // until it is committed
  std::ofstream stream_;
};

}  // namespace tsharness
