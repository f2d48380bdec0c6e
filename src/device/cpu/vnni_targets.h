// Included before Highway by kernels that are compiled for AVX-512 with VNNI, too (cmake/dependencies.cmake).
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS STREAMDIFFUSION_DISABLED_TARGETS
#define HWY_WANT_AVX3_DL
