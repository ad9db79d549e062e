#include "core/integrity.h"

#include <array>
#include <fstream>

#include "core/checksums.h"
#include "core/error.h"
#include "core/sha256.h"

namespace tsharness {

namespace {

constexpr size_t kChunk = 1 << 20;

std::ifstream opened(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(ErrorKind::Artifact, path + ": no such file, or it cannot be read");
  return file;
}

bool is_archive(const std::string& path) {
  std::array<char, 4> head{};
  opened(path).read(head.data(), head.size());
  return head == std::array<char, 4>{'P', 'K', '\3', '\4'};
}

std::string file_sha256(const std::string& path) {
  std::ifstream file = opened(path);
  std::string chunk(kChunk, '\0');
  Sha256 digest;
  while (file) {
    file.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    digest.update(chunk.data(), static_cast<size_t>(file.gcount()));
  }
  return digest.digest();
}

/// The hash that the cases carry; empty if they carry none.
std::string recorded_content(const CaseFile& cases) {
  const auto provenance = cases.document().find("provenance");
  if (provenance == cases.document().end() || !provenance->is_object()) return "";
  const auto found = provenance->find("content_sha256");
  return found != provenance->end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

std::string damage_of(const std::string& artifact, const CaseFile& cases) {
  const bool archive = is_archive(artifact);
  if (archive) {
    const auto damaged = damaged_records(artifact);
    if (!damaged.empty()) {
      return "its record " + damaged.front() + " is not what was saved (CRC-32); copy it again";
    }
  }
  const std::string recorded = recorded_content(cases);
  if (recorded.empty()) return "";
  const std::string content = archive ? content_sha256(artifact) : file_sha256(artifact);
  if (content == recorded) return "";
  return "its content is not what its cases were recorded with (sha256 " + content.substr(0, 12) +
         "..., recorded " + recorded.substr(0, 12) + "...); copy or export it again";
}

}  // namespace tsharness
