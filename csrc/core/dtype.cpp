#include "core/dtype.h"

#include <torch/version.h>

#include "core/error.h"

namespace tsharness {

const std::vector<DType>& all_dtypes() {
  static const std::vector<DType> table = {
      {"uint8", 0, 1, "U8"},
      {"int8", 1, 1, "I8"},
      {"int16", 2, 2, "I16"},
      {"int32", 3, 4, "I32"},
      {"int64", 4, 8, "I64"},
      {"float16", 5, 2, "F16"},
      {"float32", 6, 4, "F32"},
      {"float64", 7, 8, "F64"},
      {"complex32", 8, 4, ""},
      {"complex64", 9, 8, ""},
      {"complex128", 10, 16, ""},
      {"bool", 11, 1, "BOOL"},
      {"qint8", 12, 1, ""},
      {"quint8", 13, 1, ""},
      {"qint32", 14, 4, ""},
      {"bfloat16", 15, 2, "BF16"},
      {"quint4x2", 16, 1, ""},
      {"quint2x4", 17, 1, ""},
      {"bits1x8", 18, 1, ""},
      {"bits2x4", 19, 1, ""},
      {"bits4x2", 20, 1, ""},
      {"bits8", 21, 1, ""},
      {"bits16", 22, 2, ""},
      {"float8_e5m2", 23, 1, "F8_E5M2"},
      {"float8_e4m3fn", 24, 1, "F8_E4M3"},
      {"float8_e5m2fnuz", 25, 1, ""},
      {"float8_e4m3fnuz", 26, 1, ""},
      {"uint16", 27, 2, "U16"},
      {"uint32", 28, 4, "U32"},
      {"uint64", 29, 8, "U64"},
      {"uint1", 30, 1, ""},
      {"uint2", 31, 1, ""},
      {"uint3", 32, 1, ""},
      {"uint4", 33, 1, ""},
      {"uint5", 34, 1, ""},
      {"uint6", 35, 1, ""},
      {"uint7", 36, 1, ""},
      {"int1", 37, 1, ""},
      {"int2", 38, 1, ""},
      {"int3", 39, 1, ""},
      {"int4", 40, 1, ""},
      {"int5", 41, 1, ""},
      {"int6", 42, 1, ""},
      {"int7", 43, 1, ""},
      {"float8_e8m0fnu", 44, 1, ""},
      {"float4_e2m1fn_x2", 45, 1, ""},
  };
  return table;
}

const DType& dtype_by_name(const std::string& name) {
  for (const DType& dtype : all_dtypes()) {
    if (name != dtype.name) continue;
    // `Undefined` is always the last code, so it bounds what this LibTorch knows.
    if (dtype.code >= static_cast<int>(c10::ScalarType::Undefined)) {
      throw Error(ErrorKind::CaseFile,
                  "dtype " + name + " does not exist in LibTorch " TORCH_VERSION);
    }
    return dtype;
  }
  throw Error(ErrorKind::CaseFile, "unknown dtype '" + name + "'");
}

const DType& dtype_of(c10::ScalarType type) {
  const auto& table = all_dtypes();
  const auto code = static_cast<size_t>(type);
  if (type == c10::ScalarType::Undefined || code >= table.size()) {
    throw Error(ErrorKind::Input,
                std::string("tensors of dtype ") + c10::toString(type) + " are not supported");
  }
  return table[code];
}

c10::ScalarType scalar_type(const DType& dtype) { return static_cast<c10::ScalarType>(dtype.code); }

}  // namespace tsharness
