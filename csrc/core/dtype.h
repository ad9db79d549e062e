#pragma once

#include <c10/core/ScalarType.h>

#include <string>
#include <vector>

namespace tsharness {

/// One of torch's dtypes as the case file knows it.
struct DType {
  const char* name;         ///< torch's name, for example "bfloat16"
  int code;                 ///< value of c10::ScalarType, stable across versions (only appended to)
  int itemsize;             ///< bytes of one element as it is stored
  const char* safetensors;  ///< the format's own dtype, or "" if it has none: stored as raw "U8"
};

/// Every dtype that a case file can hold, whether or not this LibTorch has it.
const std::vector<DType>& all_dtypes();

/// The dtype of that name. Raises Error(CaseFile) if there is none or this LibTorch lacks it.
const DType& dtype_by_name(const std::string& name);

/// The dtype of a tensor. Raises Error(Input) for one that the case file cannot hold.
const DType& dtype_of(c10::ScalarType type);

c10::ScalarType scalar_type(const DType& dtype);

}  // namespace tsharness
