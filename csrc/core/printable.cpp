#include "core/printable.h"

#include <cctype>
#include <cstdint>
#include <cstdio>

namespace tsharness {

namespace {

/// A character of UTF-8: its code point, and how many bytes it takes; not valid: one byte.
struct Character {
  uint32_t code;
  size_t bytes;
  bool valid;
};

Character character_at(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(at);
  if (first < 0x80) return {first, 1, true};
  const size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || at + bytes > text.size()) return {first, 1, false};
  uint32_t code = first & (0xffU >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(at + i) & 0xc0U) != 0x80) return {first, 1, false};
    code = (code << 6) | (byte(at + i) & 0x3fU);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool half = code >= 0xd800 && code <= 0xdfff;
  if (code < kSmallest[bytes] || code > 0x10ffff || half) return {first, 1, false};
  return {code, bytes, true};
}

bool is_control(uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x61c || code == 0x200e ||
         code == 0x200f || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

std::string escaped(uint32_t code) {
  if (code == '\n') return "\\n";
  if (code == '\r') return "\\r";
  if (code == '\t') return "\\t";
  char text[8];
  std::snprintf(text, sizeof text, code < 0x100 ? "\\x%02x" : "\\u%04x", code & 0xffffU);
  return text;
}

/// Whether "##word[" begins here: a command, to some services, wherever it stands in a line.
bool is_command(std::string_view text, size_t at) {
  if (text.substr(at, 2) != "##") return false;
  for (at += 2; at < text.size(); ++at) {
    if (text[at] == '[') return true;
    if (std::isalnum(static_cast<unsigned char>(text[at])) == 0 && text[at] != '_') return false;
  }
  return false;
}

}  // namespace

bool has_controls(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const Character one = character_at(text, at);
    if (!one.valid || is_control(one.code)) return true;
    at += one.bytes;
  }
  return false;
}

std::string one_line(std::string_view text) {
  std::string line;
  for (size_t at = 0; at < text.size();) {
    const Character one = character_at(text, at);
    if (!one.valid || is_control(one.code) || is_command(text, at)) {
      line += escaped(one.code);
    } else {
      line += text.substr(at, one.bytes);
    }
    at += one.bytes;
  }
  return line;
}

std::string quoted(std::string_view line) { return "  | " + one_line(line); }

std::string first_and_quoted(std::string_view text) {
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  size_t end = text.find('\n');
  std::string lines = one_line(text.substr(0, end));
  while (end != std::string_view::npos) {
    text.remove_prefix(end + 1);
    end = text.find('\n');
    lines += "\n" + quoted(text.substr(0, end));
  }
  return lines;
}

}  // namespace tsharness
