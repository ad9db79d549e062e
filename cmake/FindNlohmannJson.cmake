# Finds nlohmann-json's header and makes the target NlohmannJson::NlohmannJson.
#
# A system package (Debian: nlohmann-json3-dev) or NLOHMANN_JSON_INCLUDE_DIR wins. Otherwise the header comes
# from a Python package of the build environment that carries it: the registry has none of nlohmann-json alone,
# and the build must not fetch anything on its own.

if(Python_EXECUTABLE)
  execute_process(
    COMMAND "${Python_EXECUTABLE}" -c "import sys; print(';'.join(p for p in sys.path if p))"
    OUTPUT_VARIABLE _python_path OUTPUT_STRIP_TRAILING_WHITESPACE)
endif()
find_path(NLOHMANN_JSON_INCLUDE_DIR nlohmann/json.hpp
  PATHS ${_python_path} ${CMAKE_PREFIX_PATH}
  PATH_SUFFIXES include/cudnn_frontend/thirdparty)
# A cached path into the build environment of an earlier, isolated build is gone by now.
if(NLOHMANN_JSON_INCLUDE_DIR AND NOT EXISTS "${NLOHMANN_JSON_INCLUDE_DIR}/nlohmann/json.hpp")
  unset(NLOHMANN_JSON_INCLUDE_DIR CACHE)
  find_path(NLOHMANN_JSON_INCLUDE_DIR nlohmann/json.hpp
    PATHS ${_python_path} ${CMAKE_PREFIX_PATH}
    PATH_SUFFIXES include/cudnn_frontend/thirdparty)
endif()
if(NOT NLOHMANN_JSON_INCLUDE_DIR)
  message(FATAL_ERROR "nlohmann/json.hpp was not found. Run:  pip install nvidia-cudnn-frontend  "
    "(it carries the header), or install your system's nlohmann-json (Debian: nlohmann-json3-dev).")
endif()
message(STATUS "nlohmann-json in ${NLOHMANN_JSON_INCLUDE_DIR}")

if(NOT TARGET NlohmannJson::NlohmannJson)
  # The folder may hold more headers than this one (/usr/include does): link to it alone.
  set(_json_include "${CMAKE_BINARY_DIR}/nlohmann-json")
  file(MAKE_DIRECTORY "${_json_include}")
  file(CREATE_LINK "${NLOHMANN_JSON_INCLUDE_DIR}/nlohmann" "${_json_include}/nlohmann" SYMBOLIC)
  add_library(NlohmannJson::NlohmannJson INTERFACE IMPORTED)
  target_include_directories(NlohmannJson::NlohmannJson SYSTEM INTERFACE "${_json_include}")
endif()
