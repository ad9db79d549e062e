#include "runner/samples_file.h"

#include "core/error.h"

namespace tsharness {

SamplesFile::SamplesFile(const std::string& path) : path_(path) {
  if (path.empty()) return;
  file_.open(path, std::ios::binary | std::ios::trunc);
  if (!file_) throw Error(ErrorKind::Usage, "cannot write samples to " + path);
}

void SamplesFile::begin(int64_t columns) {
  begun_ = written_;
  columns_ = columns;
}

void SamplesFile::add(const std::vector<double>& values) {
  written_ += static_cast<int64_t>(values.size());
  if (path_.empty()) return;
  file_.write(reinterpret_cast<const char*>(values.data()),
              static_cast<std::streamsize>(values.size() * sizeof(double)));
}

Json SamplesFile::end() {
  if (!path_.empty()) {
    file_.flush();
    if (!file_) throw Error(ErrorKind::Usage, "cannot write samples to " + path_);
  }
  return {{"offset", begun_}, {"rows", (written_ - begun_) / columns_}, {"columns", columns_}};
}

}  // namespace tsharness
