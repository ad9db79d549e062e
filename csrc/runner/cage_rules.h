#pragma once

#include "runner/cage.h"
#include "runner/job.h"

namespace tsharness {

/// What a job needs: the artifact, its cases, the libraries, what LibTorch reads of the machine,
/// the folders that its steps write to, its scratch folder; the GPU's devices if it runs on one.
CageRules cage_rules(const Job& job);

/// Locks the process in as the job asks ("auto", "strict", "off"); `read` are files and folders
/// that it may read besides. Raises Error(Device) if that is "strict" and the kernel cannot.
Cage cage_for(const Job& job, const std::vector<std::string>& read = {});

}  // namespace tsharness
