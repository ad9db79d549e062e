# What find_package(tsharness) finds: the library, its headers, and the files that describe them. In a Python
# package all of it lies in the package's own folder, which is then the prefix.
include(CMakePackageConfigHelpers)

set(_cmake "${TSHARNESS_PREFIX}/lib/cmake/tsharness")

install(TARGETS tsharness_core tsharness_runner EXPORT tsharnessTargets ARCHIVE DESTINATION "${TSHARNESS_PREFIX}/lib")
install(EXPORT tsharnessTargets NAMESPACE tsharness:: DESTINATION "${_cmake}")
install(CODE "
  set(SOURCES \"${CMAKE_CURRENT_SOURCE_DIR}/csrc\")
  set(TARGET \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${TSHARNESS_PREFIX}/include/tsharness\")
  include(\"${CMAKE_CURRENT_SOURCE_DIR}/cmake/InstallHeaders.cmake\")")
install(DIRECTORY "${NLOHMANN_JSON_INCLUDE_DIR}/nlohmann"
  DESTINATION "${TSHARNESS_PREFIX}/include/tsharness/third_party")

configure_file(cmake/tsharnessConfig.cmake.in tsharnessConfig.cmake @ONLY)
write_basic_package_version_file(tsharnessConfigVersion.cmake
  VERSION "${TSHARNESS_VERSION}" COMPATIBILITY SameMinorVersion)
install(FILES
  "${CMAKE_CURRENT_BINARY_DIR}/tsharnessConfig.cmake"
  "${CMAKE_CURRENT_BINARY_DIR}/tsharnessConfigVersion.cmake"
  cmake/FindLibTorch.cmake
  DESTINATION "${_cmake}")
