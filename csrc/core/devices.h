#pragma once

#include <c10/core/Device.h>

#include <string>
#include <vector>

namespace tsharness {

/// The devices that this LibTorch can use here: "cpu", "cuda:0", ...
std::vector<std::string> available_devices();

/// A device by its name ("cuda" is "cuda:0"). Raises Error(Device), with what there is, if LibTorch
/// cannot use it here.
c10::Device available_device(const std::string& name);

/// Waits until the device has done all that was asked of its current stream; nothing to do on CPU.
void synchronize_device(c10::Device device);

}  // namespace tsharness
