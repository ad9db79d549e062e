#include "runner/loading.h"

#include <optional>

#include "core/error.h"
#include "core/judged.h"
#include "core/lite_program.h"

namespace tsharness {

namespace {

/// What of the file can be read without loading it.
void check_before_loading(const Judged& judged, const std::string& path, const std::string& kind) {
  if (!is_flatbuffer(path)) return judged.check_code(path);
  // It holds bytecode, not text: what is compiled of that is looked at once it is loaded. As
  // TorchScript, it would be compiled from text that LibTorch shows to nobody.
  if (kind != "lite") {
    throw Error(ErrorKind::Refused,
                "TS368 LibTorch reads other code than was judged: a flatbuffer is run as lite");
  }
}

}  // namespace

Loaded load_session(const Json& judged, const std::string& path, c10::Device device,
                    const Cast& cast, const std::string& kind) {
  std::optional<Judged> known;
  const ProgramKind& as = kind_of(path, kind);
  if (as.judged && !judged.is_null()) known.emplace(judged);
  if (known) check_before_loading(*known, path, as.name);
  Loaded loaded;
  loaded.session = std::make_unique<Session>(path, device, cast, kind);
  loaded.operators = loaded.session->operators();
  if (known) known->check_compiled(loaded.operators);
  return loaded;
}

}  // namespace tsharness
