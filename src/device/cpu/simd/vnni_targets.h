// Kernels that also compile for AVX-512 with VNNI include this before Highway (cmake/dependencies.cmake).
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS STREAMDIFFUSION_DISABLED_TARGETS
#define HWY_WANT_AVX3_DL
