#include "device/cpu/instruction_set.h"

#include <hwy/highway.h>

#include <string>

namespace streamdiffusion::cpu {

std::string instruction_set() {
  // They come best first; Highway's own names for AVX-512 and for no vectors at all say little.
  const std::string best = hwy::TargetName(hwy::SupportedAndGeneratedTargets().front());
  if (best.starts_with("AVX3")) {
    return "AVX-512";
  }
  return best == "SCALAR" || best == "EMU128" ? "none" : best;
}

}  // namespace streamdiffusion::cpu
