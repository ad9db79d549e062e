# Finds exactly one LibTorch and makes the target LibTorch::LibTorch (and LibTorch::Python for a wheel).
#
# Searched, in this order: the variable TSHARNESS_LIBTORCH (cache or environment), the torch of the
# build interpreter, Python_SITEARCH/torch (pip's isolated builds). Nothing else: CMake's own search,
# and torch's CMake package, take a LibTorch in /usr for one part of the libraries although another was asked
# for; they also want a CUDA toolkit where only a CUDA wheel is installed.
#
# A version that find_package asks for must have the same minor: LibTorch's libraries fit no other one.
#
# Input:  Python_EXECUTABLE, Python_SITEARCH
# Output: LibTorch_FOUND, LibTorch_NOT_FOUND_MESSAGE, LibTorch_ROOT, LibTorch_INCLUDE_DIRS,
#         LibTorch_LIBRARY_DIR, LibTorch_VERSION, LibTorch_CXX11_ABI, LibTorch_AOTI

set(TSHARNESS_LIBTORCH "$ENV{TSHARNESS_LIBTORCH}" CACHE PATH "LibTorch to build against")

# Ends this file.
macro(_libtorch_not_found)
  string(CONCAT LibTorch_NOT_FOUND_MESSAGE ${ARGN})
  set(LibTorch_FOUND FALSE)
  if(LibTorch_FIND_REQUIRED)
    message(FATAL_ERROR "${LibTorch_NOT_FOUND_MESSAGE}")
  elseif(NOT LibTorch_FIND_QUIETLY)
    message(WARNING "${LibTorch_NOT_FOUND_MESSAGE}")
  endif()
  return()
endmacro()

function(_libtorch_candidates result)
  if(TSHARNESS_LIBTORCH)
    set(${result} "${TSHARNESS_LIBTORCH}" PARENT_SCOPE)
    return()
  endif()
  set(candidates "")
  if(Python_EXECUTABLE)
    execute_process(
      COMMAND "${Python_EXECUTABLE}" -c
              "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s and s.submodule_search_locations else '')"
      OUTPUT_VARIABLE found OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    list(APPEND candidates "${found}")
  endif()
  list(APPEND candidates "${Python_SITEARCH}/torch")
  set(${result} "${candidates}" PARENT_SCOPE)
endfunction()

set(LibTorch_ROOT "")
set(LibTorch_VERSION "")
_libtorch_candidates(_candidates)
foreach(_candidate IN LISTS _candidates)
  # A wheel and an unzipped LibTorch keep headers in include/; so does Debian's /usr.
  if(_candidate AND EXISTS "${_candidate}/include/torch/csrc/api/include/torch/version.h")
    set(LibTorch_ROOT "${_candidate}")
    break()
  endif()
endforeach()

if(NOT LibTorch_ROOT)
  if(TSHARNESS_LIBTORCH)
    _libtorch_not_found("TSHARNESS_LIBTORCH=${TSHARNESS_LIBTORCH} is no LibTorch: it has no include/torch. "
      "Name the folder that holds include/ and lib/.")
  endif()
  _libtorch_not_found("torch is not installed in this Python environment, and tsharness is built against it. "
    "Run:  pip install torch==2.13.0  and then the same command again "
    "(or set TSHARNESS_LIBTORCH to an unzipped LibTorch).")
endif()

set(LibTorch_LIBRARY_DIR "")
foreach(_dir "${LibTorch_ROOT}/lib" "${LibTorch_ROOT}/lib/${CMAKE_LIBRARY_ARCHITECTURE}")
  if(NOT LibTorch_LIBRARY_DIR AND EXISTS "${_dir}/libtorch_cpu.so")
    set(LibTorch_LIBRARY_DIR "${_dir}")
  endif()
endforeach()
if(NOT LibTorch_LIBRARY_DIR)
  _libtorch_not_found("${LibTorch_ROOT} has LibTorch's headers, but no libtorch_cpu.so: reinstall torch.")
endif()

set(LibTorch_INCLUDE_DIRS "${LibTorch_ROOT}/include" "${LibTorch_ROOT}/include/torch/csrc/api/include")
if(EXISTS "${LibTorch_ROOT}/include/torch/headeronly/version.h")
  set(_version_header "${LibTorch_ROOT}/include/torch/headeronly/version.h")
else()
  set(_version_header "${LibTorch_ROOT}/include/torch/csrc/api/include/torch/version.h")
endif()
file(STRINGS "${_version_header}" _lines REGEX "#define TORCH_VERSION_(MAJOR|MINOR|PATCH) [0-9]+")
string(REGEX MATCHALL "[0-9]+" _numbers "${_lines}")
list(JOIN _numbers "." LibTorch_VERSION)
if(LibTorch_FIND_VERSION)
  string(REGEX MATCH "^[0-9]+\\.[0-9]+" _wanted_minor "${LibTorch_FIND_VERSION}")
  string(REGEX MATCH "^[0-9]+\\.[0-9]+" _found_minor "${LibTorch_VERSION}")
  if(NOT _wanted_minor STREQUAL _found_minor)
    _libtorch_not_found("${LibTorch_ROOT} is LibTorch ${LibTorch_VERSION}, not ${_wanted_minor}.")
  endif()
endif()

# Wheels before 2.7 were built with the old C++ ABI; torch's own CMake file says which.
set(LibTorch_CXX11_ABI 1)
file(GLOB_RECURSE _config "${LibTorch_ROOT}/share/cmake/Torch/TorchConfig.cmake")
if(_config)
  file(STRINGS "${_config}" _abi REGEX "_GLIBCXX_USE_CXX11_ABI=0")
  if(_abi)
    set(LibTorch_CXX11_ABI 0)
  endif()
endif()

# AOTInductor packages: by a loader that takes a folder that somebody else has unpacked (its own place is
# /tmp, which is not to be seen in the cage).
set(LibTorch_AOTI OFF)
set(_loader_header "${LibTorch_ROOT}/include/torch/csrc/inductor/aoti_package/model_package_loader.h")
if(EXISTS "${_loader_header}")
  file(STRINGS "${_loader_header}" _folders REGEX "is_directory_")
  if(_folders)
    set(LibTorch_AOTI ON)
  endif()
endif()

if(NOT TARGET LibTorch::LibTorch)
  add_library(LibTorch::LibTorch INTERFACE IMPORTED)
  target_include_directories(LibTorch::LibTorch SYSTEM INTERFACE ${LibTorch_INCLUDE_DIRS})
  target_compile_definitions(LibTorch::LibTorch INTERFACE _GLIBCXX_USE_CXX11_ABI=${LibTorch_CXX11_ABI})
  # libtorch.so has no symbols of its own, but pulls in libtorch_cuda.so: it must stay linked.
  target_link_libraries(LibTorch::LibTorch INTERFACE
    "-Wl,--no-as-needed" "${LibTorch_LIBRARY_DIR}/libtorch.so" "-Wl,--as-needed"
    "${LibTorch_LIBRARY_DIR}/libtorch_cpu.so" "${LibTorch_LIBRARY_DIR}/libc10.so")
endif()
if(NOT TARGET LibTorch::Python AND EXISTS "${LibTorch_LIBRARY_DIR}/libtorch_python.so")
  add_library(LibTorch::Python INTERFACE IMPORTED)
  target_link_libraries(LibTorch::Python INTERFACE LibTorch::LibTorch
    "${LibTorch_LIBRARY_DIR}/libtorch_python.so")
endif()

set(LibTorch_FOUND TRUE)
if(NOT LibTorch_FIND_QUIETLY)
  message(STATUS "LibTorch ${LibTorch_VERSION} in ${LibTorch_ROOT}")
endif()
