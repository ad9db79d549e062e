#include "runner/events.h"

#include <iostream>
#include <map>
#include <ostream>
#include <sstream>

#include "core/printable.h"

namespace tsharness {

namespace {

// From the first that occurs on, a later code cannot replace an earlier one (DESIGN: worst wins).
constexpr int kWorstFirst[] = {7, 6, 5, 1, 8, 2, 0};

int rank(int code) {
  int position = 0;
  while (kWorstFirst[position] != code) ++position;
  return position;
}

/// First output of any call that did not pass, as "name: reason".
std::string first_failure(const Json& event) {
  for (const Json& call : event.at("calls")) {
    for (const Json& output : call.at("outputs")) {
      if (output.at("passed").get<bool>()) continue;
      return output.at("name").get<std::string>() + " " + output.at("reason").get<std::string>() +
             " (repetition " + std::to_string(call.at("repetition").get<int>() + 1) + ", call " +
             std::to_string(call.at("call").get<int>() + 1) + ")";
    }
  }
  return "";
}

}  // namespace

int worse_exit_code(int one, int other) { return rank(other) < rank(one) ? other : one; }

int exit_code_of(const std::string& kind) {
  static const std::map<std::string, int> others = {
      {"usage", 2}, {"case-file", 2}, {"memory", 6}, {"refused", 7}, {"device", 8}};
  const auto found = others.find(kind);
  return found == others.end() ? 5 : found->second;
}

void EventSink::score(int code) { exit_code_ = worse_exit_code(exit_code_, code); }

void EventSink::emit(const std::string& name, Json fields) {
  fields["event"] = name;
  if (!step_id_.empty()) fields["id"] = step_id_;
  if (!nonce_.empty()) fields["nonce"] = nonce_;
  if (fields.value("passed", true) == false) score(1);
  if (name == "bye") fields["exit_code"] = exit_code_;
  write(fields);
}

void EventSink::emit_error(const Error& error, Json where) {
  score(exit_code_of(kind_name(error.kind())));
  where["kind"] = kind_name(error.kind());
  where["message"] = error.what();
  emit("error", std::move(where));
}

JsonLinesSink::JsonLinesSink(int fd, const std::string& nonce)
    : EventSink(nonce), out_(::fdopen(fd, "w")) {
  if (out_ == nullptr) throw Error(ErrorKind::Usage, "cannot write events to the given descriptor");
}

void JsonLinesSink::write(const Json& event) {
  // A message may quote bytes of a model that are not UTF-8.
  const std::string line = event.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  std::fwrite(line.data(), 1, line.size(), out_.get());
  std::fflush(out_.get());
}

void TextSink::write(const Json& event) {
  if (!event.value("problems", Json::array()).empty()) score(1);
  std::ostringstream lines;
  print_event(event, lines);
  std::cout.flush();  // what the model has printed comes before it
  std::fflush(nullptr);
  ::dprintf(fd_, "%s", lines.str().c_str());
}

void print_event(const Json& event, std::ostream& out) {
  const auto text = [&](const char* key) { return one_line(event.at(key).get<std::string>()); };
  const auto kind = event.at("event").get<std::string>();
  if (kind == "hello") {
    out << "runner  LibTorch " << text("libtorch") << ", " << event.at("threads").at("intra_op")
        << " threads, " << text("cpu_capability") << "\n";
  } else if (kind == "error") {
    out << "ERROR " << one_line(event.value("case", event.value("step", ""))) << ": "
        << first_and_quoted(event.at("message").get<std::string>()) << "\n";
  } else if (kind == "result" && event.contains("calls")) {
    const bool passed = event.at("passed").get<bool>();
    out << (passed ? "pass  " : "FAIL  ") << text("case")
        << (passed ? "" : ": " + one_line(first_failure(event))) << "\n";
    for (const Json& one : event.value("problems", Json::array())) {
      out << "FAIL  " << text("case") << ": " << one_line(one.at("text").get<std::string>()) << " ("
          << one_line(one.at("check").get<std::string>()) << ")\n";
    }
  } else if (kind == "result" && event.value("step", "") == "integrity") {
    const auto problem = text("problem");
    if (!problem.empty()) out << "FAIL  integrity: " << problem << "\n";
  } else if (kind == "bye") {
    const int code = event.at("exit_code").get<int>();
    out << (code == 0 ? "PASS" : "FAIL") << "  exit code " << code << "\n";
  }
  out.flush();
}

}  // namespace tsharness
