#pragma once

#include <string>

#include "core/case_file.h"

namespace tsharness {

/// What is wrong with an artifact's bytes, in words; empty if nothing is: a record that its
/// checksum does not fit, or a content that is not the one that the cases were recorded with. Of a
/// file that is no archive, the content is all of it. The Python side's check of the same name, by
/// the same hash. Raises Error(Artifact) for an archive whose directory cannot be read.
std::string damage_of(const std::string& artifact, const CaseFile& cases);

}  // namespace tsharness
