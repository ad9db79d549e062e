#include "core/tensor_io.h"

#include <ATen/ATen.h>

#include <cstring>

#include "core/dtype.h"
#include "core/error.h"
#include "core/sparse.h"
#include "core/strides.h"

namespace tsharness {

namespace {

[[noreturn]] void bad_tensor(const std::string& what) {
  throw Error(ErrorKind::CaseFile, "tensor node: " + what);
}

Dims dims(const Json& node, const char* key) {
  Dims result;
  for (const Json& dim : require(node, key, JsonType::array, "tensor node")) {
    if (!dim.is_number_unsigned() || dim.get<uint64_t>() > INT64_MAX) {
      bad_tensor(std::string(key) + " must hold non-negative integers");
    }
    result.push_back(dim.get<int64_t>());
  }
  return result;
}

int64_t byte_size(int64_t elements, const DType& dtype) {
  int64_t bytes = 0;
  if (__builtin_mul_overflow(elements, static_cast<int64_t>(dtype.itemsize), &bytes)) {
    bad_tensor("size overflows");
  }
  return bytes;
}

/// Bytes of a contiguous quantized tensor: two or four elements share a byte in the sub-byte types.
int64_t quantized_bytes(const at::Tensor& tensor) {
  const int64_t elements = tensor.numel();
  switch (tensor.scalar_type()) {
    case c10::ScalarType::QUInt4x2:
      return (elements + 1) / 2;
    case c10::ScalarType::QUInt2x4:
      return (elements + 3) / 4;
    default:
      return elements * static_cast<int64_t>(tensor.element_size());
  }
}

at::Tensor decode_strided(const Json& node, const SafetensorsReader& file) {
  const auto& name = require(node, "tensor", JsonType::string, "tensor node");
  const DType& dtype =
      dtype_by_name(require(node, "dtype", JsonType::string, "tensor node").get<std::string>());
  const SafetensorsEntry& entry = file.entry(name.get<std::string>());
  const std::string stored = *dtype.safetensors != '\0' ? dtype.safetensors : "U8";
  if (entry.dtype != stored) {
    bad_tensor("'" + name.get<std::string>() + "' is " + dtype.name + ", stored as " + stored +
               ", but its entry is " + entry.dtype);
  }
  const Dims shape = dims(node, "shape");
  const Dims strides = node.contains("strides") ? dims(node, "strides") : contiguous_strides(shape);
  if (strides.size() != shape.size()) bad_tensor("shape and strides differ in length");
  const int64_t bytes = byte_size(span(shape, strides), dtype);
  if (static_cast<uint64_t>(bytes) != entry.data.size()) {
    bad_tensor("'" + name.get<std::string>() + "' needs " + std::to_string(bytes) +
               " bytes, its entry has " + std::to_string(entry.data.size()));
  }
  const auto options = at::TensorOptions().dtype(scalar_type(dtype));
  if (bytes == 0) return at::empty_strided(shape, strides, options);
  auto address = reinterpret_cast<uintptr_t>(entry.data.data());
  if (address % static_cast<uintptr_t>(dtype.itemsize) != 0) {
    const at::Tensor copy = at::empty({span(shape, strides)}, options);
    std::memcpy(copy.data_ptr(), entry.data.data(), entry.data.size());
    return copy.as_strided(shape, strides);
  }
  // from_blob wants a mutable pointer; the header forbids writing.
  return at::from_blob(
      const_cast<char*>(entry.data.data()), shape, strides, [keep = file.file()](void*) {},
      options);
}

at::Tensor decode_quantized(const Json& node, const SafetensorsReader& file) {
  const Json& parts = require(node, "quantized", JsonType::object, "tensor node");
  const at::Tensor raw =
      decode_strided(require(parts, "values", JsonType::object, "quantized"), file);
  const DType& dtype =
      dtype_by_name(require(parts, "dtype", JsonType::string, "quantized").get<std::string>());
  const Dims shape = dims(parts, "shape");
  const auto options = at::TensorOptions().dtype(scalar_type(dtype));
  at::Tensor result;
  if (parts.contains("axis")) {
    result = at::_empty_per_channel_affine_quantized(
        shape, decode_tensor(require(parts, "scales", JsonType::object, "quantized"), file).clone(),
        decode_tensor(require(parts, "zero_points", JsonType::object, "quantized"), file).clone(),
        require(parts, "axis", JsonType::number_integer, "quantized").get<int64_t>(), options);
  } else {
    const Json& scale = require(parts, "scale", JsonType::number_float, "quantized");
    const Json& zero = require(parts, "zero_point", JsonType::number_integer, "quantized");
    result = at::_empty_affine_quantized(shape, options, scale.get<double>(), zero.get<int64_t>());
  }
  if (static_cast<int64_t>(raw.nbytes()) != quantized_bytes(result)) {
    bad_tensor("quantized values do not fit their shape");
  }
  if (raw.nbytes() != 0) std::memcpy(result.data_ptr(), raw.data_ptr(), raw.nbytes());
  return result;
}

bool is_compressed(c10::Layout layout) {
  return layout == c10::kSparseCsr || layout == c10::kSparseCsc || layout == c10::kSparseBsr ||
         layout == c10::kSparseBsc;
}

const std::map<std::string, c10::Layout>& sparse_layouts() {
  static const std::map<std::string, c10::Layout> table = {{"sparse_coo", c10::kSparse},
                                                           {"sparse_csr", c10::kSparseCsr},
                                                           {"sparse_csc", c10::kSparseCsc},
                                                           {"sparse_bsr", c10::kSparseBsr},
                                                           {"sparse_bsc", c10::kSparseBsc}};
  return table;
}

at::Tensor decode_sparse(const Json& node, const SafetensorsReader& file) {
  const Json& parts = require(node, "sparse", JsonType::object, "tensor node");
  const auto name = require(parts, "layout", JsonType::string, "sparse").get<std::string>();
  const auto layout = sparse_layouts().find(name);
  if (layout == sparse_layouts().end()) bad_tensor("unknown sparse layout '" + name + "'");
  const auto part = [&](const char* key) {
    return decode_tensor(require(parts, key, JsonType::object, "sparse"), file).clone();
  };
  // Indices that do not fit the shape, as a damaged file may have, must not reach a kernel.
  return translating_errors(ErrorKind::CaseFile, [&] {
    const Dims shape = dims(parts, "shape");
    const at::Tensor values = part("values");
    const auto options = values.options().layout(layout->second);
    if (layout->second == c10::kSparse) {
      const at::Tensor indices = part("indices");
      at::_validate_sparse_coo_tensor_args(indices, values, shape);
      const at::Tensor result = at::_sparse_coo_tensor_unsafe(indices, values, shape, options);
      const auto& coalesced = require(parts, "coalesced", JsonType::boolean, "sparse");
      return result._coalesced_(coalesced.get<bool>());
    }
    const at::Tensor compressed = part("compressed_indices");
    const at::Tensor plain = part("plain_indices");
    at::_validate_sparse_compressed_tensor_args(compressed, plain, values, shape, layout->second);
    return at::_sparse_compressed_tensor_unsafe(compressed, plain, values, shape, options);
  });
}

Json encode_strided(const at::Tensor& tensor, SafetensorsWriter& file) {
  const DType& dtype = dtype_of(tensor.scalar_type());
  const Dims shape = tensor.sizes().vec();
  const Dims strides = tensor.strides().vec();
  const bool contiguous = tensor.is_contiguous();
  const auto itemsize = static_cast<size_t>(dtype.itemsize);
  auto owner = std::make_shared<at::Tensor>(tensor);
  std::string_view data(static_cast<const char*>(tensor.numel() ? tensor.data_ptr() : nullptr),
                        static_cast<size_t>(tensor.numel()) * itemsize);
  std::shared_ptr<void> keep = owner;
  const int64_t elements = span(shape, strides);
  if (!contiguous && elements > 0) {
    // Bytes between the elements of a view belong to nobody: zeros make the file reproducible.
    auto bytes = std::make_shared<std::string>(static_cast<size_t>(elements) * itemsize, '\0');
    const auto* source = static_cast<const char*>(tensor.data_ptr());
    for_each_offset(shape, strides, [&](int64_t offset) {
      const size_t at = static_cast<size_t>(offset) * itemsize;
      std::memcpy(bytes->data() + at, source + at, itemsize);
    });
    data = *bytes;
    keep = bytes;
  }
  const bool native = *dtype.safetensors != '\0';
  Dims entry_shape = {static_cast<int64_t>(data.size())};
  if (native) entry_shape = contiguous ? shape : Dims{elements};
  Json node = {{"tensor", file.add(native ? dtype.safetensors : "U8", entry_shape, data, keep)},
               {"dtype", dtype.name},
               {"shape", shape}};
  if (!contiguous) node["strides"] = strides;
  return node;
}

Json encode_quantized(const at::Tensor& tensor, SafetensorsWriter& file) {
  const at::Tensor contiguous = tensor.contiguous();
  const at::Tensor raw = at::from_blob(
      contiguous.numel() ? contiguous.data_ptr() : nullptr, {quantized_bytes(contiguous)},
      [contiguous](void*) {}, at::kByte);
  Json parts = {{"values", encode_strided(raw, file)},
                {"dtype", dtype_of(tensor.scalar_type()).name},
                {"shape", tensor.sizes().vec()}};
  const auto scheme = tensor.qscheme();
  if (scheme == at::kPerTensorAffine || scheme == at::kPerTensorSymmetric) {
    parts["scale"] = tensor.q_scale();
    parts["zero_point"] = tensor.q_zero_point();
  } else {
    parts["scales"] = encode_tensor(tensor.q_per_channel_scales(), file);
    parts["zero_points"] = encode_tensor(tensor.q_per_channel_zero_points(), file);
    parts["axis"] = tensor.q_per_channel_axis();
  }
  return {{"quantized", parts}};
}

Json encode_sparse(const at::Tensor& tensor, SafetensorsWriter& file) {
  Json parts = {{"shape", tensor.sizes().vec()}};
  for (const auto& [name, layout] : sparse_layouts()) {
    if (layout == tensor.layout()) parts["layout"] = name;
  }
  if (tensor.layout() == c10::kSparse) {
    parts["indices"] = encode_tensor(tensor._indices(), file);
    parts["values"] = encode_tensor(tensor._values(), file);
    parts["coalesced"] = tensor.is_coalesced();
  } else {
    parts["compressed_indices"] = encode_tensor(compressed_indices(tensor), file);
    parts["plain_indices"] = encode_tensor(plain_indices(tensor), file);
    parts["values"] = encode_tensor(tensor.values(), file);
  }
  return {{"sparse", parts}};
}

at::Tensor to_host(const at::Tensor& tensor) {
  at::Tensor result = tensor.detach();
  if (!result.device().is_cpu()) result = result.to(at::kCPU);
  if (result.layout() != c10::kStrided || result.is_quantized()) return result;
  return result.resolve_conj().resolve_neg();
}

}  // namespace

bool is_tensor_node(const Json& node) {
  return node.is_object() &&
         (node.contains("tensor") || node.contains("quantized") || node.contains("sparse"));
}

at::Tensor decode_tensor(const Json& node, const SafetensorsReader& file) {
  if (node.contains("quantized")) return decode_quantized(node, file);
  if (node.contains("sparse")) return decode_sparse(node, file);
  return decode_strided(node, file);
}

Json encode_tensor(const at::Tensor& tensor, SafetensorsWriter& file) {
  const at::Tensor host = to_host(tensor);
  Json node;
  if (host.layout() == c10::kSparse || is_compressed(host.layout())) {
    node = encode_sparse(host, file);
  } else if (host.layout() != c10::kStrided) {
    throw Error(ErrorKind::Input,
                std::string("tensors of layout ") + c10::str(host.layout()) + " are not supported");
  } else {
    node = host.is_quantized() ? encode_quantized(host, file) : encode_strided(host, file);
  }
  if (!tensor.device().is_cpu()) node["device"] = tensor.device().str();
  return node;
}

at::Tensor clone_exactly(const at::Tensor& tensor, c10::Device device) {
  if (tensor.layout() != c10::kStrided || tensor.is_quantized()) return tensor.clone().to(device);
  const Dims shape = tensor.sizes().vec();
  const Dims strides = tensor.strides().vec();
  const at::Tensor storage = at::empty({span(shape, strides)}, tensor.options());
  if (storage.nbytes() != 0) {
    std::memcpy(storage.data_ptr(), tensor.data_ptr(), storage.nbytes());
  }
  return storage.to(device).as_strided(shape, strides);
}

}  // namespace tsharness
