#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tsharness {

/// Paths of the shared libraries and executables that are mapped into this process, sorted.
std::vector<std::string> mapped_libraries();

/// Highest resident set size of this process so far, in bytes.
int64_t peak_memory_bytes();

/// Bytes that are allocated by malloc and not freed, in all arenas; -1 where the C library does not
/// count them.
int64_t heap_bytes();

/// Resident set size of this process now, in bytes.
int64_t resident_bytes();

/// Version of the LibTorch that is loaded, read from the files beside it ("2.13.0+cpu"); empty if
/// the installation does not say.
std::string loaded_torch_version(const std::vector<std::string>& libraries);

/// Loads a library whose operators and classes register themselves with LibTorch, for as long as
/// the process lives. Raises Error(Usage) with the linker's reason.
void load_library(const std::string& path);

}  // namespace tsharness
