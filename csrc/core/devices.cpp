#include "core/devices.h"

#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include "core/error.h"

namespace tsharness {

namespace {

// LibTorch's runtime for each of these is found by its registered guard: no vendor header needed.
constexpr c10::DeviceType kAccelerators[] = {c10::DeviceType::CUDA, c10::DeviceType::XPU,
                                             c10::DeviceType::MPS, c10::DeviceType::HIP};

int device_count(c10::DeviceType type) {
  if (!c10::impl::hasDeviceGuardImpl(type)) return 0;
  try {
    return c10::impl::VirtualGuardImpl(type).deviceCount();
  } catch (const c10::Error&) {
    return 0;  // a build with CUDA on a machine without a driver
  }
}

}  // namespace

std::vector<std::string> available_devices() {
  std::vector<std::string> names = {"cpu"};
  for (const auto type : kAccelerators) {
    for (int index = 0; index < device_count(type); ++index) {
      names.push_back(c10::Device(type, static_cast<c10::DeviceIndex>(index)).str());
    }
  }
  return names;
}

c10::Device available_device(const std::string& name) {
  c10::Device device = translating_errors(ErrorKind::Usage, [&] { return c10::Device(name); });
  if (device.is_cpu()) return c10::Device(c10::DeviceType::CPU);
  if (!device.has_index()) device.set_index(0);
  std::string seen;
  for (const std::string& candidate : available_devices()) {
    if (candidate == device.str()) return device;
    seen += (seen.empty() ? "" : ", ") + candidate;
  }
  throw Error(ErrorKind::Device,
              "device '" + name + "' is not available to this runner; it sees: " + seen);
}

void synchronize_device(c10::Device device) {
  if (device.is_cpu()) return;
  const c10::impl::VirtualGuardImpl guard(device.type());
  guard.synchronizeStream(guard.getStream(device));
}

}  // namespace tsharness
