#include "streamdiffusion/version.h"

namespace streamdiffusion {

std::string version() { return STREAMDIFFUSION_VERSION; }

}  // namespace streamdiffusion
