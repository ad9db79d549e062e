#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tsharness {

/// A read-only view of a part of a file, mapped into memory; the pages are loaded when touched.
class MappedFile {
 public:
  /// Maps `size` bytes from `offset` on (to the end of the file if `size` is 0).
  /// Raises Error(CaseFile) if the range does not lie inside a regular file.
  MappedFile(const std::string& path, uint64_t offset, uint64_t size);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::string_view bytes() const { return bytes_; }

 private:
  void* mapping_ = nullptr;
  size_t mapping_size_ = 0;
  std::string_view bytes_;
};

/// One entry of a safetensors file.
struct SafetensorsEntry {
  std::string dtype;           ///< the format's name, for example "F32"
  std::vector<int64_t> shape;  ///< in elements
  std::string_view data;       ///< lies in the reader's mapping
};

/// Reader of the published safetensors format, strict: offsets in range, without overlap or hole,
/// byte lengths that follow from dtype and shape, names that occur once.
class SafetensorsReader {
 public:
  /// Raises Error(CaseFile), naming `path` and what is wrong.
  SafetensorsReader(const std::string& path, uint64_t offset, uint64_t size);

  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  /// Raises Error(CaseFile) if there is no such entry.
  const SafetensorsEntry& entry(const std::string& name) const;
  /// Keeps the mapping alive for tensors that look into it.
  const std::shared_ptr<MappedFile>& file() const { return file_; }

 private:
  std::shared_ptr<MappedFile> file_;
  std::map<std::string, SafetensorsEntry> entries_;
  std::map<std::string, std::string> metadata_;
};

/// Collects entries and writes them as one safetensors file.
class SafetensorsWriter {
 public:
  /// Adds an entry under the next free name ("t0", "t1", ...), which is returned. `owner` keeps
  /// `data` alive until `write`.
  std::string add(const std::string& dtype, std::vector<int64_t> shape, std::string_view data,
                  std::shared_ptr<void> owner);

  /// The file is there whole or not at all. Raises Error(Usage) if it cannot be written.
  void write(const std::string& path, const std::map<std::string, std::string>& metadata) const;

 private:
  struct Entry {
    std::string dtype;
    std::vector<int64_t> shape;
    std::string_view data;
    std::shared_ptr<void> owner;
  };
  std::vector<Entry> entries_;
};

}  // namespace tsharness
