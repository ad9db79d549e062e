#pragma once

namespace tsharness {

/// Takes system calls away from the process, for all its threads: sockets, other programs, new
/// processes, signals to others, tracing, kernel modules, namespaces, io_uring. They fail with
/// EPERM. With `may_listen`, it may make local sockets and listen on them, as the driver of a GPU
/// does when it starts, but neither accept nor connect. False if the kernel cannot, or the
/// processor is not known here.
bool enter_seccomp(bool may_listen);

}  // namespace tsharness
