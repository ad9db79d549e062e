# What find_package(tsharness) finds: the library, its headers, and the files that describe them. In a Python
# package all of it lies in the package's own folder, which is then the prefix.
include(CMakePackageConfigHelpers)

set(_cmake "${TSHARNESS_PREFIX}/lib/cmake/tsharness")

install(TARGETS tsharness_core tsharness_runner EXPORT tsharnessTargets ARCHIVE DESTINATION "${TSHARNESS_PREFIX}/lib")
install(EXPORT tsharnessTargets NAMESPACE tsharness:: DESTINATION "${_cmake}")
install(DIRECTORY csrc/core csrc/runner DESTINATION "${TSHARNESS_PREFIX}/include/tsharness"
  FILES_MATCHING PATTERN "*.h")
install(DIRECTORY "${NLOHMANN_JSON_INCLUDE_DIR}/nlohmann" DESTINATION "${TSHARNESS_PREFIX}/include/tsharness")

configure_file(cmake/tsharnessConfig.cmake.in tsharnessConfig.cmake @ONLY)
write_basic_package_version_file(tsharnessConfigVersion.cmake
  VERSION "${TSHARNESS_VERSION}" COMPATIBILITY SameMinorVersion)
install(FILES
  "${CMAKE_CURRENT_BINARY_DIR}/tsharnessConfig.cmake"
  "${CMAKE_CURRENT_BINARY_DIR}/tsharnessConfigVersion.cmake"
  cmake/FindLibTorch.cmake
  DESTINATION "${_cmake}")
