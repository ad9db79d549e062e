#pragma once

#include <c10/core/Event.h>

#include <vector>

namespace tsharness {

/// Points in the work that a device was asked for, on its current stream; the device itself notes
/// when it gets there. For accelerators only.
class DeviceTimer {
 public:
  /// Raises Error(Usage) for the CPU, and where this LibTorch cannot read a device's clock (before
  /// 2.4).
  DeviceTimer(c10::Device device, size_t points);

  /// Asks the device to note when it gets here.
  void mark(size_t point);
  /// Seconds between two points, once the device has done all that it was asked for. Resolution:
  /// about half a microsecond.
  double seconds(size_t from, size_t to) const;

 private:
  c10::impl::VirtualGuardImpl guard_;
  c10::Device device_;
  std::vector<c10::Event> events_;
};

}  // namespace tsharness
