#include "core/cast.h"

#include <ATen/ATen.h>

#include "core/dtype.h"
#include "core/error.h"

namespace tsharness {

namespace {

at::MemoryFormat memory_format_by_name(const std::string& name) {
  if (name == "contiguous") return at::MemoryFormat::Contiguous;
  if (name == "channels_last") return at::MemoryFormat::ChannelsLast;
  if (name == "channels_last_3d") return at::MemoryFormat::ChannelsLast3d;
  throw Error(ErrorKind::Usage, "memory_format '" + name +
                                    "'; there are: contiguous, channels_last, channels_last_3d");
}

at::ScalarType floating_point_by_name(const std::string& name) {
  for (const DType& dtype : all_dtypes()) {
    if (dtype.name == name && at::isFloatingType(scalar_type(dtype))) return scalar_type(dtype);
  }
  throw Error(ErrorKind::Usage, "dtype '" + name + "' is none of floating point to cast to");
}

bool fits(at::MemoryFormat format, const at::Tensor& tensor) {
  if (format == at::MemoryFormat::ChannelsLast) return tensor.dim() == 4;
  return format != at::MemoryFormat::ChannelsLast3d || tensor.dim() == 5;
}

}  // namespace

Cast::Cast(const Json& json) {
  if (json.is_null()) return;
  for (const auto& item : json.items()) {
    const auto value = item.value().get<std::string>();
    if (item.key() == "dtype") {
      dtype_ = floating_point_by_name(value);
    } else if (item.key() == "memory_format") {
      memory_format_ = memory_format_by_name(value);
    } else {
      throw Error(ErrorKind::Usage, "a cast has dtype and memory_format, not " + item.key());
    }
  }
}

at::Tensor Cast::operator()(const at::Tensor& tensor) const {
  if (!tensor.is_floating_point() || tensor.layout() != at::kStrided) return tensor;
  at::Tensor result = tensor.detach();
  if (dtype_) result = result.to(*dtype_);
  if (memory_format_ && fits(*memory_format_, result)) result = result.contiguous(*memory_format_);
  return result;
}

}  // namespace tsharness
