#include "core/judged.h"

#include "core/archive_code.h"
#include "core/error.h"

namespace tsharness {

namespace {

[[noreturn]] void refuse_code(const std::string& seen) {
  throw Error(ErrorKind::Refused, "TS368 LibTorch reads other code than was judged: " + seen);
}

}  // namespace

Judged::Judged(const Json& json) {
  try {
    records_ = json.at("records").get<std::map<std::string, std::string>>();
    operators_ = json.at("operators").get<std::set<std::string>>();
    const Json harmless = json.value("harmless", Json::object());
    for (const auto& [space, names] : harmless.items()) {
      for (const Json& name : names) operators_.insert(space + "::" + name.get<std::string>());
    }
  } catch (const Json::exception& error) {
    throw Error(ErrorKind::Usage, std::string("malformed 'judged': ") + error.what());
  }
}

void Judged::check_code(const std::string& path) const {
  const ArchiveCode code = read_archive_code(path);
  for (const auto& [name, hash] : code.records) {
    const auto known = records_.find(name);
    if (known == records_.end()) refuse_code(name + " was not seen");
    if (known->second != hash) refuse_code(name + " has other bytes");
  }
  for (const auto& judged : records_) {
    if (code.records.count(judged.first) == 0) refuse_code(judged.first + " is not there");
  }
  std::set<std::string> named = code.operators;
  for (const std::string& member : code.members) {
    // Those that are known need not be looked up.
    const std::string op = "aten::" + member;
    if (operators_.count(op) == 0 && is_method_of_tensors(member)) named.insert(op);
  }
  const std::string others = unjudged(named);
  if (!others.empty()) refuse_code("it names " + others);
}

void Judged::check_compiled(const std::set<std::string>& operators) const {
  const std::string others = unjudged(operators);
  if (others.empty()) return;
  throw Error(ErrorKind::Refused, "TS369 LibTorch compiled what was not judged: " + others);
}

std::string Judged::unjudged(const std::set<std::string>& operators) const {
  std::string others;
  for (const std::string& one : operators) {
    if (operators_.count(one) == 0) others += (others.empty() ? "" : ", ") + one;
  }
  return others;
}

}  // namespace tsharness
