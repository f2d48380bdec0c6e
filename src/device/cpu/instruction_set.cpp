#include "device/cpu/instruction_set.h"

#include <hwy/highway.h>

#include <algorithm>
#include <string>

#include "device/cpu/target.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::cpu {

std::string instruction_set() {
  // The best target comes first. Highway's names for AVX-512 and scalar code are little known.
  const std::string best = hwy::TargetName(hwy::SupportedAndGeneratedTargets().front());
  if (best.starts_with("AVX3")) {
    return "AVX-512";
  }
  return best == "SCALAR" || best == "EMU128" ? "none" : best;
}

void use_instruction_set(const std::string& name) {
  const auto targets = hwy::SupportedAndGeneratedTargets();
  const auto wanted = std::find_if(targets.begin(), targets.end(),
                                   [&](auto target) { return name == hwy::TargetName(target); });
  if (wanted == targets.end()) {
    std::string names;
    for (const auto target : targets) {
      names += std::string(names.empty() ? "" : ", ") + hwy::TargetName(target);
    }
    throw DeviceError("there are no kernels for \"" + name + "\" here; there are for " + names);
  }
  hwy::SetSupportedTargetsForTest(*wanted);
}

Features features_within(const std::string& limit) {
  if (limit == "avx2") {
    use_instruction_set("AVX2");
    return Features::detect();
  }
  if (limit == "avx512") {
    use_instruction_set("AVX3");
    return Features::detect();
  }
  if (limit == "avx512_vnni") {
    if (!uses_avx512_vnni()) {
      throw DeviceError("this machine has no AVX-512 with VNNI");
    }
    return {};
  }
  throw DeviceError("\"" + limit +
                    "\" is no instruction set to hold the CPU to: use avx2, avx512 or avx512_vnni");
}

}  // namespace streamdiffusion::cpu
