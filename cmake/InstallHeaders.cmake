# Installs the headers with the includes that an application sees: <tsharness/core/...>. As they stand in the
# source, "core/...", a compiler would rather take a file of that name from the application's own folders.
#
# Input: SOURCES (csrc/), TARGET (include/tsharness)

file(GLOB_RECURSE headers RELATIVE "${SOURCES}" "${SOURCES}/core/*.h" "${SOURCES}/runner/*.h")
foreach(header IN LISTS headers)
  file(READ "${SOURCES}/${header}" text)
  string(REGEX REPLACE "#include \"((core|runner)/[^\"]+)\"" "#include <tsharness/\\1>" text "${text}")
  if(text MATCHES "#include \"")
    message(FATAL_ERROR "${header} has an #include \"...\" of something else than core/ and runner/: who uses the "
      "installed header could not find it.")
  endif()
  set(installed "")
  if(EXISTS "${TARGET}/${header}")
    file(READ "${TARGET}/${header}" installed)
  endif()
  if(NOT installed STREQUAL text)
    file(WRITE "${TARGET}/${header}" "${text}")
  endif()
  list(APPEND CMAKE_INSTALL_MANIFEST_FILES "${TARGET}/${header}")
endforeach()
