// An operator that makes one system call and says what became of it.
// tests/python/test_cage_calls.py asks it for every number there is, from inside the cage.
#include <torch/library.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

namespace {

/// For each row (the number, then six arguments, "own" is the process's number): 0, or errno. Rows
/// are separated by ";", what is in them by ",".
std::vector<int64_t> probe(const c10::string_view rows) {
  std::vector<int64_t> errors;
  std::vector<long> row;
  std::string number;
  for (const char c : std::string(rows) + ";") {
    if (c != ',' && c != ';') {
      number += c;
      continue;
    }
    row.push_back(number == "own" ? ::getpid() : std::stol(number));
    number.clear();
    if (c == ',') continue;
    errno = 0;
    const long result =
        ::syscall(row.at(0), row.at(1), row.at(2), row.at(3), row.at(4), row.at(5), row.at(6));
    errors.push_back(result < 0 ? errno : 0);
    row.clear();
  }
  return errors;
}

}  // namespace

TORCH_LIBRARY(probe, library) { library.def("calls(str rows) -> int[]", probe); }
