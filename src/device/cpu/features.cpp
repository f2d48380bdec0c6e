#include "device/cpu/features.h"

#include "device/cpu/target.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace streamdiffusion::cpu {

namespace {

#if defined(__x86_64__)
bool has_bit(unsigned word, unsigned bit) { return (word >> bit & 1U) != 0; }

/// Requests AMX's registers for this process, as Linux requires. True if the system grants them.
bool amx_is_permitted() {
#if defined(__linux__)
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}
#endif

}  // namespace

Features Features::detect() {
  Features features;
#if defined(__x86_64__)
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (uses_avx512_vnni() && __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0) {
    const bool amx = has_bit(d, 22) && has_bit(d, 24) && has_bit(d, 25);  // AMX-BF16, AMX-TILE, AMX-INT8
    features.amx = amx && amx_is_permitted();
  }
  if (__get_cpuid_count(7, 1, &a, &b, &c, &d) != 0) {
    features.avx_vnni = has_bit(a, 4);
    features.bf16 = uses_avx512_vnni() && has_bit(a, 5);
  }
#endif
  return features;
}

}  // namespace streamdiffusion::cpu
