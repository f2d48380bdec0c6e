#include "device/vulkan/kernels.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <type_traits>

#include "core/round_up.h"
#include "device/vulkan/product_plan.h"

namespace streamdiffusion::vulkan {

namespace {

// Every device takes as many workgroups in each direction.
constexpr std::uint32_t kMostGroups = 65535;
// Sizes that are written in the shaders, too.
constexpr std::uint32_t kThreads = 256;
constexpr std::uint32_t kAttentionQueries = 16;
// Pixels whose statistics a workgroup takes, so that large images occupy more workgroups than they have
// groups.
constexpr std::int64_t kPartPixels = 16384;
// Elements of a group norm that a workgroup writes.
constexpr std::int64_t kNormElements = 8192;

std::uint32_t number(std::int64_t value) { return static_cast<std::uint32_t>(value); }
std::uint32_t number(bool value) { return value ? 1 : 0; }
std::uint32_t number(Activation activation) { return static_cast<std::uint32_t>(activation); }

/// Specialisation constant: true if the elements are float16.
std::uint32_t is_half(const Tensor& tensor) {
  assert(tensor.empty() || tensor.dtype == DType::f32 || tensor.dtype == DType::f16);
  return number(tensor.dtype == DType::f16);
}

/// True if four neighbouring channels of each tensor can be accessed at once.
bool have_quads(std::initializer_list<const Tensor*> tensors) {
  return std::ranges::all_of(tensors, [](const Tensor* tensor) {
    return tensor->empty() || (tensor->shape.c % 4 == 0 && tensor->stride % 4 == 0 &&
                               address_of(tensor->data) % (4 * size_of(tensor->dtype)) == 0);
  });
}

/// The region of a tensor, or an empty one that overlaps nothing.
Region region_or_none(const Tensor& tensor) { return tensor.empty() ? Region{} : region_of(tensor); }

std::int64_t row_pixels(const Shape& shape) { return shape.h * shape.w; }

std::int64_t norm_parts(const Shape& shape) { return divide_up(row_pixels(shape), kPartPixels); }

}  // namespace

template <typename Arguments>
void Kernels::dispatch(CommandList& list, Shader shader, std::initializer_list<std::uint32_t> constants,
                       const Arguments& arguments, Groups groups, std::initializer_list<Region> reads,
                       std::initializer_list<Region> writes) {
  static_assert(std::is_trivially_copyable_v<Arguments> && sizeof(Arguments) <= kArgumentBytes);
  if (groups.y == 1 && groups.z == 1 && groups.x > kMostGroups) {  // Shaders join x and y.
    groups.y = divide_up(groups.x, kMostGroups);
    groups.x = kMostGroups;
  }
  const VkPipeline pipeline = pipelines_.get(shader, {constants.begin(), constants.size()});
  list.add(reads, writes, [&](VkCommandBuffer buffer) {
    const VolkDeviceTable& vk = context_->vk();
    vk.vkCmdBindPipeline(buffer, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
    vk.vkCmdPushConstants(buffer, pipelines_.layout(), VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof arguments,
                          &arguments);
    vk.vkCmdDispatch(buffer, groups.x, groups.y, groups.z);
  });
}

// ---- matrix products

void Kernels::multiply(CommandList& list, const PackedMatrix& weights, const ProductArguments& a) {
  const Matrix& layout = weights.layout();
  assert(a.x.shape.c == layout.in_channels);
  const struct {
    Address x, weights, bias, row_bias, residual, out;
    std::uint32_t rows, columns, in_channels, in_height, in_width, out_height, out_width, padding;
    std::uint32_t x_stride, row_bias_stride, residual_stride, out_stride;
  } arguments{address_of(a.x.data),
              address_of(weights.weights().data()),
              address_of(weights.bias().data()),
              address_of(a.row_bias.data),
              address_of(a.residual.data),
              address_of(a.out.data),
              number(a.out.shape.pixels()),
              number(layout.out_channels),
              number(layout.in_channels),
              number(a.x.shape.h),
              number(a.x.shape.w),
              number(a.out.shape.h),
              number(a.out.shape.w),
              number(a.padding),
              number(a.x.stride),
              number(a.row_bias.stride),
              number(a.residual.stride),
              number(a.out.stride)};
  const ProductPlan plan = plan_product(a.out.shape.pixels(), layout.out_channels);
  const std::uint32_t row_tiles = divide_up(arguments.rows, plan.tile_rows);
  const std::uint32_t step = layout.resample == Resample::down ? 2 : 1;
  const std::uint32_t upsampling = layout.resample == Resample::up ? 2 : 1;
  dispatch(list, Shader::product,
           {plan.threads(), plan.tile_rows, plan.tile_columns, plan.thread_rows, plan.thread_columns,
            number(layout.kernel), step, upsampling, number(a.activation), number(layout.geglu),
            number(have_quads({&a.x})), is_half(a.x), number(layout.type == DType::f16), is_half(a.row_bias),
            is_half(a.residual), is_half(a.out), number(weights.bias().bytes() > 0),
            number(!a.row_bias.empty()), number(!a.residual.empty())},
           arguments,
           {std::min(row_tiles, kMostGroups), divide_up(arguments.columns, plan.tile_columns),
            divide_up(row_tiles, kMostGroups)},
           {region_of(a.x), region_of(weights.weights()), region_of(weights.bias()),
            region_or_none(a.row_bias), region_or_none(a.residual)},
           {region_of(a.out)});
}

// ---- attention

void Kernels::attend(CommandList& list, const AttentionArguments& a) {
  const std::int64_t dimension = a.q.shape.c / a.heads;
  const std::int64_t queries = row_pixels(a.q.shape);
  const std::int64_t key_tokens = row_pixels(a.k.shape);
  const struct {
    Address q, k, v, out;
    std::uint32_t queries, key_tokens, keys, first_key_row, key_row_step;
    std::uint32_t q_stride, k_stride, v_stride, out_stride, first_row;
    float scale;
  } arguments{address_of(a.q.data),
              address_of(a.k.data),
              address_of(a.v.data),
              address_of(a.out.data),
              number(queries),
              number(key_tokens),
              number(key_tokens * a.key_rows),
              number(a.first_key_row),
              number(a.key_row_step),
              number(a.q.stride),
              number(a.k.stride),
              number(a.v.stride),
              number(a.out.stride),
              number(a.first_row),
              1.0F / std::sqrt(static_cast<float>(dimension))};
  dispatch(list, Shader::attention,
           {number(dimension), number(a.causal), is_half(a.q), is_half(a.k), is_half(a.v), is_half(a.out)},
           arguments, {divide_up(number(queries), kAttentionQueries), number(a.heads), number(a.rows)},
           {region_of(a.q), region_of(a.k), region_of(a.v)}, {region_of(a.out)});
}

// ---- element by element

/// An operation of elementwise.comp.
struct Kernels::Elementwise {
  enum class Kind : std::uint8_t { map, copy, add, combine };
  Kind kind = Kind::copy;
  Tensor x;
  Tensor y{};
  Tensor out;
  Address factors = 0;
  Activation activation = Activation::none;
  float scale = 1;
  float out_scale = 1;
  float shift = 0;
};

void Kernels::run(CommandList& list, const Elementwise& o) {
  const struct {
    Address x, y, factors, out;
    std::uint32_t pixels, channels, x_stride, y_stride, out_stride, row_pixels;
    float scale, out_scale, shift;
  } arguments{address_of(o.x.data),
              address_of(o.y.data),
              o.factors,
              address_of(o.out.data),
              number(o.x.shape.pixels()),
              number(o.x.shape.c),
              number(o.x.stride),
              number(o.y.stride),
              number(o.out.stride),
              number(row_pixels(o.x.shape)),
              o.scale,
              o.out_scale,
              o.shift};
  const bool quads = have_quads({&o.x, &o.y, &o.out});
  const std::int64_t items = o.x.shape.elements() / (quads ? 4 : 1);
  const std::uint64_t factor_bytes =
      o.factors == 0 ? 0 : static_cast<std::uint64_t>(o.x.shape.n) * 2 * sizeof(float);
  dispatch(list, Shader::elementwise,
           {number(static_cast<std::int64_t>(o.kind)), number(o.activation), number(quads), is_half(o.x),
            is_half(o.y), is_half(o.out)},
           arguments, {divide_up(number(items), kThreads)},
           {region_of(o.x), region_or_none(o.y), region_of(o.factors, factor_bytes)}, {region_of(o.out)});
}

void Kernels::map(CommandList& list, const Tensor& x, float scale, Activation activation, float out_scale,
                  float shift, const Tensor& out) {
  run(list, {.kind = Elementwise::Kind::map,
             .x = x,
             .out = out,
             .activation = activation,
             .scale = scale,
             .out_scale = out_scale,
             .shift = shift});
}

void Kernels::copy(CommandList& list, const Tensor& x, const Tensor& out) {
  run(list, {.kind = Elementwise::Kind::copy, .x = x, .out = out});
}

void Kernels::add(CommandList& list, const Tensor& x, const Tensor& y, const Tensor& out) {
  run(list, {.kind = Elementwise::Kind::add, .x = x, .y = y, .out = out});
}

void Kernels::combine(CommandList& list, const Tensor& x, const Tensor& y, Address factors,
                      const Tensor& out) {
  run(list, {.kind = Elementwise::Kind::combine, .x = x, .y = y, .out = out, .factors = factors});
}

// ---- norms

std::size_t Kernels::statistics_bytes(const Shape& shape, std::int64_t groups) {
  return static_cast<std::size_t>(shape.n * groups * norm_parts(shape)) * 2 * sizeof(float);
}

void Kernels::group_norm(CommandList& list, const Tensor& x, const PackedVector& gain,
                         const PackedVector& shift, std::int64_t groups, float epsilon, Activation activation,
                         Address statistics, const Tensor& out) {
  const Region written = region_of(statistics, statistics_bytes(x.shape, groups));
  const struct {
    Address x, statistics;
    std::uint32_t row_pixels, channels, x_stride, part_pixels;
  } of_statistics{address_of(x.data),         statistics,       number(row_pixels(x.shape)),
                  number(x.shape.c / groups), number(x.stride), number(kPartPixels)};
  const std::uint32_t parts = number(norm_parts(x.shape));
  dispatch(list, Shader::group_statistics, {is_half(x)}, of_statistics,
           {number(groups), parts, number(x.shape.n)}, {region_of(x)}, {written});

  const std::int64_t workgroup_pixels =
      std::max({std::int64_t{1}, kNormElements / x.shape.c, divide_up(row_pixels(x.shape), kMostGroups)});
  const struct {
    Address x, statistics, gain, shift, out;
    std::uint32_t row_pixels, channels, x_stride, out_stride, parts, part_pixels, workgroup_pixels;
    float epsilon;
  } arguments{address_of(x.data),
              statistics,
              address_of(gain.values().data()),
              address_of(shift.values().data()),
              address_of(out.data),
              number(row_pixels(x.shape)),
              number(x.shape.c),
              number(x.stride),
              number(out.stride),
              parts,
              number(kPartPixels),
              number(workgroup_pixels),
              epsilon};
  dispatch(list, Shader::group_norm,
           {number(activation), number(have_quads({&x, &out})), is_half(x), is_half(out), number(groups)},
           arguments, {divide_up(number(row_pixels(x.shape)), number(workgroup_pixels)), number(x.shape.n)},
           {region_of(x), written, region_of(gain.values()), region_of(shift.values())}, {region_of(out)});
}

void Kernels::layer_norm(CommandList& list, const Tensor& x, const PackedVector& gain,
                         const PackedVector& shift, float epsilon, const Tensor& out) {
  const struct {
    Address x, gain, shift, out;
    std::uint32_t tokens, channels, x_stride, out_stride;
    float epsilon;
  } arguments{address_of(x.data),
              address_of(gain.values().data()),
              address_of(shift.values().data()),
              address_of(out.data),
              number(x.shape.pixels()),
              number(x.shape.c),
              number(x.stride),
              number(out.stride),
              epsilon};
  dispatch(list, Shader::layer_norm, {is_half(x), is_half(out)}, arguments, {arguments.tokens},
           {region_of(x), region_of(gain.values()), region_of(shift.values())}, {region_of(out)});
}

// ---- between host and GPU

namespace {

struct PixelArguments {
  Address tensor;
  Address pixels;
  std::uint32_t elements;
  float scale;
  float shift;

  [[nodiscard]] std::uint32_t words() const { return divide_up(elements, 4); }
  [[nodiscard]] Region region() const { return region_of(pixels, std::uint64_t{words()} * 4); }
};

}  // namespace

void Kernels::from_pixels(CommandList& list, Address pixels, float scale, float shift, const Tensor& tensor) {
  const PixelArguments arguments{address_of(tensor.data), pixels, number(tensor.shape.elements()), scale,
                                 shift};
  dispatch(list, Shader::pixels, {number(false), is_half(tensor)}, arguments,
           {divide_up(arguments.words(), kThreads)}, {arguments.region()}, {region_of(tensor)});
}

void Kernels::to_pixels(CommandList& list, const Tensor& tensor, float scale, float shift, Address pixels) {
  const PixelArguments arguments{address_of(tensor.data), pixels, number(tensor.shape.elements()), scale,
                                 shift};
  dispatch(list, Shader::pixels, {number(true), is_half(tensor)}, arguments,
           {divide_up(arguments.words(), kThreads)}, {region_of(tensor)}, {arguments.region()});
}

void Kernels::dot_products(CommandList& list, const Tensor& x, const Tensor& y, Address sums) {
  const struct {
    Address x, y, sums;
    std::uint32_t elements;
  } arguments{address_of(x.data), address_of(y.data), sums, number(x.shape.elements())};
  dispatch(list, Shader::dot_products, {is_half(x), is_half(y)}, arguments, {kDotParts},
           {region_of(x), region_of(y)}, {region_of(sums, kDotParts * 3 * sizeof(float))});
}

void Kernels::pack_weights(CommandList& list, const Matrix& matrix, Address weights, std::int64_t first,
                           std::int64_t count, const Buffer& out) {
  const std::int64_t taps = matrix.kernel * matrix.kernel;
  const std::int64_t padded_columns = round_up(matrix.out_channels, 4);
  const struct {
    Address weight, out;
    std::uint32_t first, count, out_channels, in_channels, taps, padded_columns;
  } arguments{weights,       address_of(out.data()),      number(first),
              number(count), number(matrix.out_channels), number(matrix.in_channels),
              number(taps),  number(padded_columns)};
  const bool is_last = first + count == matrix.out_channels;
  const std::int64_t columns = is_last ? padded_columns - first : count;
  const std::int64_t read = count * matrix.in_channels * taps;
  dispatch(list, Shader::pack_weights, {number(matrix.type == DType::f16), number(matrix.geglu)}, arguments,
           {divide_up(number(columns * matrix.in_channels * taps), kThreads)},
           {region_of(weights, static_cast<std::uint64_t>(read) * sizeof(float))}, {region_of(out)});
}

}  // namespace streamdiffusion::vulkan
