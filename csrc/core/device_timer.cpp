#include "core/device_timer.h"

#include "core/compat.h"
#include "core/error.h"

namespace tsharness {

namespace {

c10::DeviceType accelerator(c10::Device device) {
  if (device.is_cpu()) throw Error(ErrorKind::Usage, "the CPU has no clock of its own");
  return device.type();
}

}  // namespace

DeviceTimer::DeviceTimer(c10::Device device, size_t points)
    : guard_(accelerator(device)), device_(device) {
  events_.reserve(points);
  for (size_t i = 0; i < points; ++i) {
    // The flag that lets the device's runtime decide: torch's own turns timing off.
    events_.emplace_back(device.type(), c10::EventFlag::BACKEND_DEFAULT);
  }
}

void DeviceTimer::mark(size_t point) { events_.at(point).record(guard_.getStream(device_)); }

double DeviceTimer::seconds(size_t from, size_t to) const {
  return translating_errors(ErrorKind::Device,
                            [&] { return elapsed_seconds(events_.at(from), events_.at(to)); });
}

}  // namespace tsharness
