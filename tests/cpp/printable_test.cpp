#include "core/printable.h"

#include <gtest/gtest.h>

namespace tsharness {
namespace {

TEST(Printable, PlainTextStays) {
  for (const char* text : {"", "a b", "größe 中 🙂", "aten::add", "#1 ## x [0]"}) {
    EXPECT_EQ(one_line(text), text);
    EXPECT_FALSE(has_controls(text));
  }
}

TEST(Printable, ControlsAreEscaped) {
  EXPECT_EQ(one_line("a\n\x1b]0;t\x07"), "a\\n\\x1b]0;t\\x07");
  EXPECT_EQ(one_line("\x7f\xc2\x9b"), "\\x7f\\x9b");
  EXPECT_EQ(one_line("\xe2\x80\xae\xe2\x80\xa8\xd8\x9c"), "\\u202e\\u2028\\u061c");
  EXPECT_EQ(one_line(std::string("\0", 1)), "\\x00");
  for (const char* text : {"\n", "\xc2\x9b", "\xe2\x81\xa6", "\x7f"})
    EXPECT_TRUE(has_controls(text));
}

TEST(Printable, BytesThatAreNotUtf8AreEscaped) {
  EXPECT_EQ(one_line("\xff"), "\\xff");
  EXPECT_EQ(one_line("\xc0\xaf"), "\\xc0\\xaf");           // longer than it must be
  EXPECT_EQ(one_line("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // half a character
  EXPECT_EQ(one_line("\xe2\x80"), "\\xe2\\x80");           // cut off
  EXPECT_TRUE(has_controls("\xff"));
}

TEST(Printable, CommandsOfServicesAreEscaped) {
  EXPECT_EQ(one_line("x ##[error]y ##vso[task]z"), "x \\x23#[error]y \\x23#vso[task]z");
}

TEST(Printable, LaterLinesAreQuoted) {
  EXPECT_EQ(first_and_quoted("one\n::error::two\nPASS\n"), "one\n  | ::error::two\n  | PASS");
  EXPECT_EQ(first_and_quoted("one"), "one");
}

}  // namespace
}  // namespace tsharness
