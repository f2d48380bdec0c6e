// The loader of Vulkan's functions, a library that consists of headers.
#define VOLK_IMPLEMENTATION
#include <volk.h>
