#pragma once

#include <string>
#include <string_view>

namespace tsharness {

/// Whether the text holds a character that is not shown but obeyed: C0, C1, DEL, bidirectional
/// controls, the separators of lines and paragraphs; or bytes that are not UTF-8.
bool has_controls(std::string_view text);

/// Text that anybody may have written, as one line that can be shown: such characters have the form
/// of Python's literals, and nothing in it begins a command of a CI service ("##[error]").
std::string one_line(std::string_view text);

/// Text of several lines: the first as it is, the others behind a mark that says that they were
/// not written here (LibTorch's messages quote the model). No newline at the end.
std::string first_and_quoted(std::string_view text);

/// One line of somebody else's, behind that mark.
std::string quoted(std::string_view line);

}  // namespace tsharness
