#include "core/checksums.h"

#include <caffe2/serialize/inline_container.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>

#include "core/case_file.h"
#include "core/error.h"
#include "core/sha256.h"

namespace tsharness {

namespace {

// Layout of zip archives: PKWARE's APPNOTE 6.3.9, sections 4.3.12 to 4.3.16 and 4.5.3.
constexpr uint32_t kEnd = 0x06054b50;
constexpr uint32_t kEnd64 = 0x06064b50;
constexpr uint32_t kLocator64 = 0x07064b50;
constexpr uint32_t kEntry = 0x02014b50;
constexpr size_t kEndBytes = 22;
constexpr size_t kLongestComment = 65535;

struct Entry {
  std::string name;
  uint32_t crc = 0;
  uint64_t size = 0;  ///< bytes when unpacked
};

/// Little-endian numbers in a range of bytes. Raises Error(Artifact) beyond its end.
class Bytes {
 public:
  explicit Bytes(std::string data) : data_(std::move(data)) {}
  uint64_t number(size_t at, size_t bytes) const {
    if (bytes > data_.size() || at > data_.size() - bytes) fail();
    uint64_t value = 0;
    for (size_t i = bytes; i-- > 0;) value = value << 8 | static_cast<uint8_t>(data_[at + i]);
    return value;
  }
  std::string text(size_t at, size_t bytes) const {
    if (bytes > data_.size() || at > data_.size() - bytes) fail();
    return data_.substr(at, bytes);
  }
  size_t size() const { return data_.size(); }

  [[noreturn]] static void fail() {
    throw Error(ErrorKind::Artifact,
                "the archive's directory cannot be read: it is cut off or damaged");
  }

 private:
  std::string data_;
};

Bytes read(std::ifstream& file, uint64_t at, uint64_t bytes, uint64_t all) {
  if (bytes > all || at > all - bytes) Bytes::fail();
  std::string data(bytes, '\0');
  file.seekg(static_cast<std::streamoff>(at));
  file.read(data.data(), static_cast<std::streamsize>(bytes));
  if (!file) Bytes::fail();
  return Bytes(std::move(data));
}

/// The directory, wherever its end says that it lies.
Bytes directory(std::ifstream& file, uint64_t all) {
  const uint64_t tail = std::min<uint64_t>(all, kEndBytes + kLongestComment);
  const uint64_t from = all - tail;
  const Bytes end = read(file, from, tail, all);
  for (size_t at = tail < kEndBytes ? 0 : tail - kEndBytes + 1; at-- > 0;) {
    if (end.number(at, 4) != kEnd) continue;
    uint64_t size = end.number(at + 12, 4);
    uint64_t offset = end.number(at + 16, 4);
    if (at >= 20 && end.number(at - 20, 4) == kLocator64) {
      const Bytes end64 = read(file, end.number(at - 12, 8), 56, all);
      if (end64.number(0, 4) != kEnd64) Bytes::fail();
      size = end64.number(40, 8);
      offset = end64.number(48, 8);
    }
    return read(file, offset, size, all);
  }
  Bytes::fail();
}

/// The size of an entry that did not fit into its field stands in the extra field of number 1.
uint64_t size_of(const Bytes& bytes, size_t at, size_t extra, size_t extra_bytes) {
  const uint64_t size = bytes.number(at + 24, 4);
  if (size != 0xffffffff) return size;
  for (size_t i = extra; i + 4 <= extra + extra_bytes; i += 4 + bytes.number(i + 2, 2)) {
    if (bytes.number(i, 2) == 1) return bytes.number(i + 4, 8);
  }
  Bytes::fail();
}

std::vector<Entry> entries(const std::string& archive) {
  std::ifstream file(archive, std::ios::binary | std::ios::ate);
  if (!file) throw Error(ErrorKind::Artifact, archive + ": no such file, or it cannot be read");
  const auto all = static_cast<uint64_t>(file.tellg());
  const Bytes bytes = directory(file, all);
  std::vector<Entry> found;
  for (size_t at = 0; at < bytes.size();) {
    if (bytes.number(at, 4) != kEntry) Bytes::fail();
    const size_t name = bytes.number(at + 28, 2);
    const size_t extra = bytes.number(at + 30, 2);
    found.push_back({bytes.text(at + 46, name), static_cast<uint32_t>(bytes.number(at + 16, 4)),
                     size_of(bytes, at, at + 46 + name, extra)});
    at += 46 + name + extra + bytes.number(at + 32, 2);
  }
  return found;
}

using Tables = std::array<std::array<uint32_t, 256>, 8>;

/// CRC-32 as zip has it (reflected polynomial 0xEDB88320), eight bytes at a time.
Tables crc_tables() {
  Tables tables{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? 0xEDB88320U : 0);
    tables[0][i] = value;
  }
  for (size_t k = 1; k < 8; ++k) {
    for (uint32_t i = 0; i < 256; ++i) {
      tables[k][i] = tables[k - 1][i] >> 8 ^ tables[0][tables[k - 1][i] & 255];
    }
  }
  return tables;
}

uint32_t crc32(const uint8_t* data, size_t bytes) {
  static const Tables tables = crc_tables();
  uint32_t crc = 0xffffffff;
  for (; bytes >= 8; bytes -= 8, data += 8) {
    uint32_t next = 0;
    for (size_t i = 0; i < 8; ++i) {
      const uint32_t mixed = data[i] ^ (i < 4 ? crc >> (8 * i) & 255 : 0);
      next ^= tables[7 - i][mixed];
    }
    crc = next;
  }
  for (; bytes > 0; --bytes, ++data) crc = crc >> 8 ^ tables[0][(crc ^ *data) & 255];
  return ~crc;
}

/// Every record lies in one folder, which the reader leaves out of names.
std::string below_root(const Entry& entry) { return entry.name.substr(entry.name.find('/') + 1); }

size_t characters(const std::string& utf8) {
  return static_cast<size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & '\xc0') != '\x80'; }));
}

}  // namespace

std::vector<std::string> damaged_records(const std::string& archive) {
  return translating_errors(ErrorKind::Artifact, [&] {
    std::vector<std::string> damaged;
    const std::vector<Entry> declared = entries(archive);
    caffe2::serialize::PyTorchStreamReader reader(archive);
    for (const Entry& entry : declared) {
      const std::string name = below_root(entry);
      if (!reader.hasRecord(name)) {
        damaged.push_back(name);
        continue;
      }
      const auto record = reader.getRecord(name);
      const auto* data = static_cast<const uint8_t*>(std::get<0>(record).get());
      const size_t size = std::get<1>(record);
      if (size != entry.size || crc32(data, size) != entry.crc) damaged.push_back(name);
    }
    return damaged;
  });
}

std::string content_sha256(const std::string& archive) {
  return translating_errors(ErrorKind::Artifact, [&] {
    std::vector<std::string> names;
    for (const Entry& entry : entries(archive)) names.push_back(below_root(entry));
    std::sort(names.begin(), names.end());
    caffe2::serialize::PyTorchStreamReader reader(archive);
    Sha256 digest;
    for (const std::string& name : names) {
      if (name == kCasesRecord) continue;
      const auto record = reader.getRecord(name);
      const size_t size = std::get<1>(record);
      digest.update(std::to_string(characters(name)) + ":" + name + ":" + std::to_string(size) +
                    ":");
      digest.update(std::get<0>(record).get(), size);
    }
    return digest.digest();
  });
}

}  // namespace tsharness
