#include "core/observe.h"

#include <ATen/ATen.h>

#include <cmath>
#include <cstring>
#include <map>
#include <sstream>

#include "core/dtype.h"
#include "core/walk.h"

namespace tsharness {

namespace {

using c10::IValue;

/// Mixes words as they come; the multiplier is the golden ratio's, as in Knuth's multiplicative
/// hashing (TAOCP 6.4).
class Mixer {
 public:
  void word(uint64_t value) {
    state_ = (state_ ^ value) * 0x9e3779b97f4a7c15ULL;
    state_ ^= state_ >> 32;
  }

  void bytes(const void* data, size_t size) {
    const auto* at = static_cast<const char*>(data);
    for (; size >= sizeof(uint64_t); size -= sizeof(uint64_t), at += sizeof(uint64_t)) {
      uint64_t value = 0;
      std::memcpy(&value, at, sizeof value);
      word(value);
    }
    uint64_t rest = 0;
    if (size > 0) std::memcpy(&rest, at, size);
    word(rest ^ (uint64_t{size} << 56));
  }

  void text(const std::string& value) { bytes(value.data(), value.size()); }
  uint64_t value() const { return state_; }

 private:
  uint64_t state_ = 0x243f6a8885a308d3ULL;  // of pi: anything but zero
};

/// The dense tensors that a tensor is made of.
std::vector<at::Tensor> parts_of(const at::Tensor& tensor) {
  const at::Tensor host = tensor.detach().cpu();
  if (host.layout() == c10::kStrided) {
    if (host.is_quantized()) return {host.int_repr()};
    return {host.resolve_conj().resolve_neg()};
  }
  const at::Tensor sparse = host.layout() == c10::kSparse ? host.coalesce() : host.to_sparse();
  return {sparse._indices(), sparse._values()};
}

void mix_tensor(const at::Tensor& tensor, Mixer& mixer) {
  mixer.word(static_cast<uint64_t>(tensor.scalar_type()));
  for (const int64_t size : tensor.sizes()) mixer.word(static_cast<uint64_t>(size));
  for (const at::Tensor& part : parts_of(tensor)) {
    const at::Tensor dense = part.contiguous();
    mixer.bytes(dense.data_ptr(), dense.nbytes());
  }
}

template <class T>
void count_nonfinite(const at::Tensor& tensor, Nonfinite& found) {
  const auto* data = static_cast<const T*>(tensor.data_ptr());
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    const auto value = static_cast<float>(data[i]);
    found.nan += std::isnan(value);
    found.infinite += std::isinf(value);
  }
}

/// A double may be too large for a float without being infinite.
template <>
void count_nonfinite<double>(const at::Tensor& tensor, Nonfinite& found) {
  const auto* data = static_cast<const double*>(tensor.data_ptr());
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    found.nan += std::isnan(data[i]);
    found.infinite += std::isinf(data[i]);
  }
}

void count(const at::Tensor& part, Nonfinite& found) {
  const at::Tensor real = part.is_complex() ? at::view_as_real(part) : part;
  const at::Tensor dense = real.contiguous();
  switch (dense.scalar_type()) {
    case at::kFloat:
      return count_nonfinite<float>(dense, found);
    case at::kDouble:
      return count_nonfinite<double>(dense, found);
    case at::kHalf:
      return count_nonfinite<c10::Half>(dense, found);
    case at::kBFloat16:
      return count_nonfinite<c10::BFloat16>(dense, found);
    default:
      if (dense.is_floating_point()) count_nonfinite<float>(dense.to(at::kFloat), found);
  }
}

const void* storage_of(const at::Tensor& tensor) {
  if (!tensor.has_storage() || tensor.numel() == 0) return nullptr;
  return tensor.storage().unsafeGetStorageImpl();
}

}  // namespace

uint64_t fingerprint(const IValue& value) {
  Mixer mixer;
  ValueVisitor visitor;
  visitor.tensor = [&](const std::string& name, const at::Tensor& tensor) {
    mixer.text(name);
    mix_tensor(tensor, mixer);
  };
  visitor.leaf = [&](const std::string& name, const IValue& leaf) {
    mixer.text(name);
    std::ostringstream text;
    text.precision(17);
    text << leaf;
    mixer.text(text.str());
  };
  walk_value("", value, visitor);
  return mixer.value();
}

std::vector<Nonfinite> find_nonfinite(const std::string& name, const IValue& value) {
  std::vector<Nonfinite> found;
  ValueVisitor visitor;
  visitor.tensor = [&](const std::string& at, const at::Tensor& tensor) {
    Nonfinite one{at};
    if (!tensor.is_floating_point() && !tensor.is_complex()) return;
    for (const at::Tensor& part : parts_of(tensor)) count(part, one);
    if (one.nan > 0 || one.infinite > 0) found.push_back(one);
  };
  walk_value(name, value, visitor);
  return found;
}

double largest_finite(const at::Tensor& tensor) {
  if (tensor.numel() == 0) return 0;
  const at::Tensor magnitude = tensor.abs().to(at::kDouble);
  return magnitude.masked_fill(magnitude.isfinite().logical_not(), 0).max().item<double>();
}

double largest_ordinary(const at::Tensor& tensor) {
  constexpr double kLeast = 1e4;
  constexpr double kAlike = 0.9;
  constexpr double kTimes = 1e3;
  const double largest = largest_finite(tensor);
  if (largest < kLeast) return largest;
  const at::Tensor magnitude = tensor.abs().to(at::kDouble);
  const auto below = [&](double limit) {
    return largest_finite(magnitude.masked_fill(magnitude >= limit, 0));
  };
  for (double top = largest; top >= kLeast;) {
    const double next = below(kAlike * top);
    if (next == 0) break;
    if (next * kTimes > top) return top;
    top = next;
    if (top < kLeast) return top;
  }
  return largest;
}

std::vector<Alias> find_aliases(const std::string& name, const IValue& value,
                                const std::string& other_name, const IValue& other) {
  std::map<const void*, std::string> storages;
  ValueVisitor collect;
  collect.tensor = [&](const std::string& at, const at::Tensor& tensor) {
    if (const void* storage = storage_of(tensor)) storages.emplace(storage, at);
  };
  walk_value(other_name, other, collect);
  std::vector<Alias> found;
  ValueVisitor look;
  look.tensor = [&](const std::string& at, const at::Tensor& tensor) {
    const auto known = storages.find(storage_of(tensor));
    if (known != storages.end()) found.push_back({at, known->second});
  };
  walk_value(name, value, look);
  return found;
}

}  // namespace tsharness
