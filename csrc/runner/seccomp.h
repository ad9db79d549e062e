#pragma once

namespace tsharness {

/// Takes system calls away from the process, for all its threads: sockets, other programs, new
/// processes, signals to others, tracing, kernel modules, namespaces, io_uring. They fail with
/// EPERM. False if the kernel cannot, or the processor is not known here.
bool enter_seccomp();

}  // namespace tsharness
