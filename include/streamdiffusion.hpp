#pragma once

// All headers of the C++ library. streamdiffusion.h is the C interface.
#include "streamdiffusion/devices.h"
#include "streamdiffusion/error.h"
#include "streamdiffusion/frame.h"
#include "streamdiffusion/frame_stream.h"
#include "streamdiffusion/hub.h"
#include "streamdiffusion/image.h"
#include "streamdiffusion/media.h"
#include "streamdiffusion/model.h"
#include "streamdiffusion/parameters.h"
#include "streamdiffusion/pipeline.h"
#include "streamdiffusion/random_generator.h"
#include "streamdiffusion/stream.h"
#include "streamdiffusion/version.h"
