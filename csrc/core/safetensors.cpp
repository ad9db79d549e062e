#include "core/safetensors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "core/descriptor.h"
#include "core/error.h"
#include "core/json.h"
#include "core/whole_file.h"

namespace tsharness {

namespace {

constexpr uint64_t kMaxHeader = 100'000'000;  // the limit of the format's reference library
constexpr uint64_t kAlignment = 64;           // of the data section, as PyTorch aligns its records

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw Error(ErrorKind::CaseFile, path + ": " + what);
}

/// Bytes of one element; 0 for a dtype that the published format does not define.
uint64_t itemsize(const std::string& dtype) {
  static const std::map<std::string, uint64_t> sizes = {
      {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1},
      {"I16", 2},  {"U16", 2}, {"F16", 2}, {"BF16", 2},    {"I32", 4},
      {"U32", 4},  {"F32", 4}, {"F64", 8}, {"I64", 8},     {"U64", 8}};
  const auto found = sizes.find(dtype);
  return found == sizes.end() ? 0 : found->second;
}

struct ParsedEntry {
  SafetensorsEntry entry;
  uint64_t begin;
  uint64_t end;
};

ParsedEntry parse_entry(const std::string& path, const std::string& name, const Json& value,
                        std::string_view data) {
  const std::string what = "entry '" + name + "'";
  const auto& offsets = require(value, "data_offsets", JsonType::array, what.c_str());
  const auto& shape = require(value, "shape", JsonType::array, what.c_str());
  ParsedEntry parsed;
  parsed.entry.dtype = require(value, "dtype", JsonType::string, what.c_str()).get<std::string>();
  uint64_t bytes = itemsize(parsed.entry.dtype);
  if (bytes == 0) fail(path, what + ": unknown dtype '" + parsed.entry.dtype + "'");
  for (const Json& dim : shape) {
    if (!dim.is_number_unsigned()) fail(path, what + ": shape must hold non-negative integers");
    const auto extent = dim.get<uint64_t>();
    if (extent > INT64_MAX || __builtin_mul_overflow(bytes, extent, &bytes)) {
      fail(path, what + ": shape overflows");
    }
    parsed.entry.shape.push_back(static_cast<int64_t>(extent));
  }
  if (offsets.size() != 2 || !offsets[0].is_number_unsigned() || !offsets[1].is_number_unsigned()) {
    fail(path, what + ": data_offsets must be two non-negative integers");
  }
  parsed.begin = offsets[0].get<uint64_t>();
  parsed.end = offsets[1].get<uint64_t>();
  if (parsed.begin > parsed.end || parsed.end > data.size()) {
    fail(path, what + ": data_offsets [" + std::to_string(parsed.begin) + ", " +
                   std::to_string(parsed.end) + "] lie outside the " + std::to_string(data.size()) +
                   " bytes of data");
  }
  if (parsed.end - parsed.begin != bytes) {
    fail(path, what + ": dtype and shape need " + std::to_string(bytes) +
                   " bytes, data_offsets span " + std::to_string(parsed.end - parsed.begin));
  }
  parsed.entry.data = data.substr(parsed.begin, parsed.end - parsed.begin);
  return parsed;
}

/// The format allows neither overlap nor hole, which also means that nothing can hide in the file.
void check_layout(const std::string& path, std::vector<std::pair<uint64_t, uint64_t>> spans,
                  uint64_t data_size) {
  std::sort(spans.begin(), spans.end());
  uint64_t position = 0;
  for (const auto& [begin, end] : spans) {
    if (begin != position) {
      fail(path, std::string("entries ") + (begin < position ? "overlap" : "leave a hole") +
                     " at data byte " + std::to_string(std::min(begin, position)));
    }
    position = end;
  }
  if (position != data_size) {
    fail(path, std::to_string(data_size - position) + " bytes behind the last entry");
  }
}

uint64_t little_endian(std::string_view bytes) {
  uint64_t value = 0;
  for (int i = 7; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

}  // namespace

MappedFile::MappedFile(const std::string& path, uint64_t offset, uint64_t size) {
  // O_NONBLOCK: opening a FIFO must not wait for a writer that never comes.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status{};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) {
    fail(path, std::string("cannot be opened: ") + std::strerror(errno));
  }
  if (!S_ISREG(status.st_mode)) fail(path, "is not a regular file");
  const auto file_size = static_cast<uint64_t>(status.st_size);
  if (offset > file_size || size > file_size - offset) {
    fail(path, "the range of the case file lies outside the file");
  }
  if (size == 0) size = file_size - offset;
  if (size == 0) return;
  const uint64_t page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  const uint64_t start = offset / page * page;
  mapping_size_ = size + (offset - start);
  void* mapping =
      ::mmap(nullptr, mapping_size_, PROT_READ, MAP_PRIVATE, file.get(), static_cast<off_t>(start));
  if (mapping == MAP_FAILED) fail(path, std::string("cannot be mapped: ") + std::strerror(errno));
  mapping_ = mapping;
  bytes_ = {static_cast<const char*>(mapping) + (offset - start), size};
}

MappedFile::~MappedFile() {
  if (mapping_ != nullptr) ::munmap(mapping_, mapping_size_);
}

SafetensorsReader::SafetensorsReader(const std::string& path, uint64_t offset, uint64_t size)
    : file_(std::make_shared<MappedFile>(path, offset, size)) {
  const std::string_view bytes = file_->bytes();
  if (bytes.size() < 8) fail(path, "is too short for a safetensors file");
  const uint64_t header_size = little_endian(bytes);
  if (header_size > kMaxHeader || header_size > bytes.size() - 8) {
    fail(path, "declares a header of " + std::to_string(header_size) + " bytes, but " +
                   (header_size > kMaxHeader ? "at most 100000000 are allowed"
                                             : std::to_string(bytes.size() - 8) + " follow"));
  }
  const Json header = parse_untrusted_json(bytes.substr(8, header_size), path + ": header");
  if (!header.is_object()) fail(path, "header is not a JSON object");
  const std::string_view data = bytes.substr(8 + header_size);
  std::vector<std::pair<uint64_t, uint64_t>> spans;
  for (const auto& [name, value] : header.items()) {
    if (name == "__metadata__") continue;
    ParsedEntry parsed = parse_entry(path, name, value, data);
    spans.emplace_back(parsed.begin, parsed.end);
    entries_.emplace(name, std::move(parsed.entry));
  }
  check_layout(path, std::move(spans), data.size());
  const auto metadata = header.find("__metadata__");
  if (metadata == header.end()) return;
  if (!metadata->is_object()) fail(path, "__metadata__ is not an object");
  for (const auto& [key, value] : metadata->items()) {
    if (!value.is_string()) fail(path, "__metadata__ '" + key + "' is not a string");
    metadata_.emplace(key, value.get<std::string>());
  }
}

const SafetensorsEntry& SafetensorsReader::entry(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    throw Error(ErrorKind::CaseFile, "the case file has no entry '" + name + "'");
  }
  return found->second;
}

std::string SafetensorsWriter::add(const std::string& dtype, std::vector<int64_t> shape,
                                   std::string_view data, std::shared_ptr<void> owner) {
  entries_.push_back({dtype, std::move(shape), data, std::move(owner)});
  return "t" + std::to_string(entries_.size() - 1);
}

void SafetensorsWriter::write(const std::string& path,
                              const std::map<std::string, std::string>& metadata) const {
  Json header = {{"__metadata__", metadata}};
  uint64_t position = 0;
  for (size_t i = 0; i < entries_.size(); ++i) {
    const Entry& entry = entries_[i];
    header["t" + std::to_string(i)] = {{"dtype", entry.dtype},
                                       {"shape", entry.shape},
                                       {"data_offsets", {position, position + entry.data.size()}}};
    position += entry.data.size();
  }
  std::string text = header.dump();
  text.resize((text.size() + 8 + kAlignment - 1) / kAlignment * kAlignment - 8, ' ');
  WholeFile file(path);
  std::ostream& out = file.stream();
  for (int i = 0; i < 8; ++i) out.put(static_cast<char>(text.size() >> (8 * i) & 0xff));
  out << text;
  for (const Entry& entry : entries_) {
    out.write(entry.data.data(), static_cast<std::streamsize>(entry.data.size()));
  }
  file.commit();
}

}  // namespace tsharness
