// What all shaders share: tensors in memory and activations.
//
// Tensors are given by address (GL_EXT_buffer_reference), as in Device: channels last, with a stride from pixel to pixel. Their
// elements are float32 or float16, which a specialisation constant says for each tensor. All shaders compute in float32.
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_scalar_block_layout : require
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_control_flow_attributes : require

// A tensor is passed as Floats, and read as one of the other types where its elements or its alignment are different.
layout(buffer_reference, scalar, buffer_reference_align = 4) buffer Floats { float v[]; };
layout(buffer_reference, scalar, buffer_reference_align = 2) buffer Halves { float16_t v[]; };
layout(buffer_reference, scalar, buffer_reference_align = 16) buffer FloatQuads { vec4 v[]; };
layout(buffer_reference, scalar, buffer_reference_align = 8) buffer HalfQuads { f16vec4 v[]; };
layout(buffer_reference, scalar, buffer_reference_align = 4) buffer Words { uint v[]; };

float load(Floats x, uint i, bool is_half) {
  return is_half ? float(Halves(x).v[i]) : x.v[i];
}

// Loads elements i to i + 3. Both i and the tensor's address are multiples of four elements.
vec4 load_quad(Floats x, uint i, bool is_half) {
  return is_half ? vec4(HalfQuads(x).v[i / 4]) : FloatQuads(x).v[i / 4];
}

void store(Floats x, uint i, bool is_half, float value) {
  if (is_half) {
    Halves(x).v[i] = float16_t(value);
  } else {
    x.v[i] = value;
  }
}

void store_quad(Floats x, uint i, bool is_half, vec4 value) {
  if (is_half) {
    HalfQuads(x).v[i / 4] = f16vec4(value);
  } else {
    FloatQuads(x).v[i / 4] = value;
  }
}

// The enumerators of Activation in device.h.
const uint NONE = 0;
const uint SILU = 1;
const uint RELU = 2;
const uint GELU = 3;
const uint QUICK_GELU = 4;
const uint TANH = 5;

// The error function, with an error below 1.5e-7: formula 7.1.26 of Abramowitz and Stegun, Handbook of Mathematical Functions (1964).
float erf(float x) {
  const float t = 1.0 / (1.0 + 0.3275911 * abs(x));
  const float series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const float magnitude = 1.0 - series * exp(-x * x);
  return x < 0.0 ? -magnitude : magnitude;
}

float gelu(float x) { return 0.5 * x * (1.0 + erf(x * 0.70710678)); }

float activate(uint activation, float x) {
  switch (activation) {
    case SILU:
      return x / (1.0 + exp(-x));
    case RELU:
      return x < 0.0 ? 0.0 : x;  // NaN stays NaN.
    case GELU:
      return gelu(x);
    case QUICK_GELU:
      return x / (1.0 + exp(-1.702 * x));
    case TANH:
      // tanh() of some drivers overflows where exp(2 * x) does.
      return 1.0 - 2.0 / (1.0 + exp(2.0 * x));
    default:
      return x;
  }
}
