#pragma once

#include "media/file_walk.h"

namespace streamdiffusion {

/// True for a Matroska or WebM file, at whose beginning the walk stands.
bool is_matroska(FileWalk& file);

/// True if the last element of a Matroska or WebM file is longer than the file.
bool matroska_is_cut(FileWalk& file);

}  // namespace streamdiffusion
