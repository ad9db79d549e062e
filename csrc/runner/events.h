#pragma once

#include <cstdio>
#include <iosfwd>
#include <memory>
#include <string>

#include "core/error.h"
#include "core/json.h"

namespace tsharness {

/// The worse of two exit codes (docs/exit-codes.md).
int worse_exit_code(int one, int other);
/// That of what an "error" event names as its "kind".
int exit_code_of(const std::string& kind);

/// What a person wants to read of an event, as lines; nothing for most.
void print_event(const Json& event, std::ostream& out);

/// Where the runner's events go, and what they add up to.
class EventSink {
 public:
  /// `nonce` comes back with every event, if not empty: it tells a reader which lines are ours.
  explicit EventSink(std::string nonce = "") : nonce_(std::move(nonce)) {}
  virtual ~EventSink() = default;

  /// The step whose events follow: its "id" comes back with each, if it has one.
  void set_step(const std::string& id) { step_id_ = id; }

  /// Adds "event": `name` to `fields`, keeps score for `exit_code`, and writes it out.
  void emit(const std::string& name, Json fields);
  /// An "error" event: `where` names step, case and call.
  void emit_error(const Error& error, Json where);

  /// 0 pass, 1 verification failed, or the code of the worst error (docs/exit-codes.md).
  int exit_code() const { return exit_code_; }

 protected:
  virtual void write(const Json& event) = 0;
  void score(int code);

 private:
  std::string nonce_;
  std::string step_id_;
  int exit_code_ = 0;
};

/// One JSON object a line, flushed at once: what was said before a crash has been said.
class JsonLinesSink : public EventSink {
 public:
  /// Writes to a file descriptor; takes it over.
  JsonLinesSink(int fd, const std::string& nonce);

 protected:
  void write(const Json& event) override;

 private:
  struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Closer> out_;
};

/// A verdict a line for a person on a server without Python.
class TextSink : public EventSink {
 public:
  /// Writes to a file descriptor, which stays the caller's.
  explicit TextSink(int fd) : fd_(fd) {}

 protected:
  void write(const Json& event) override;

 private:
  int fd_;
};

}  // namespace tsharness
