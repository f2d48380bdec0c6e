#include "model/files/weight_kernels.h"

#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "model/files/weight_kernels.cpp"
#include "hwy/foreach_target.h"
//
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <typename Half>
void float_from_half(const std::byte* in, float* out, std::size_t count) {
  const hn::ScalableTag<float> wide;
  const hn::Rebind<std::uint16_t, decltype(wide)> bits;
  const hn::Rebind<Half, decltype(wide)> narrow;
  const std::size_t lanes = hn::Lanes(wide);
  const auto convert = [&](const std::byte* from, std::size_t elements, float* to) {
    // Elements of a file may be unaligned.
    HWY_ALIGN std::uint16_t aligned[HWY_MAX_BYTES / sizeof(float)] = {};
    std::memcpy(aligned, from, elements * sizeof(std::uint16_t));
    hn::StoreU(hn::PromoteTo(wide, hn::BitCast(narrow, hn::Load(bits, aligned))), wide, to);
  };
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    convert(in + i * 2, lanes, out + i);
  }
  if (i < count) {
    float rest[HWY_MAX_BYTES / sizeof(float)];
    convert(in + i * 2, count - i, rest);
    std::memcpy(out + i, rest, (count - i) * sizeof(float));
  }
}

void float_from_f16(const std::byte* in, float* out, std::size_t count) {
  float_from_half<hwy::float16_t>(in, out, count);
}

void float_from_bf16(const std::byte* in, float* out, std::size_t count) {
  float_from_half<hwy::bfloat16_t>(in, out, count);
}

// Sums value * 0, which is 0 for finite values and NaN for NaN and infinity. NaN stays NaN in every sum.
bool is_finite(const float* values, std::size_t count) {
  const hn::ScalableTag<float> d;
  const auto zero = hn::Zero(d);
  const std::size_t lanes = hn::Lanes(d);
  auto even = zero;
  auto odd = zero;
  std::size_t i = 0;
  for (; i + 2 * lanes <= count; i += 2 * lanes) {
    even = hn::MulAdd(hn::LoadU(d, values + i), zero, even);
    odd = hn::MulAdd(hn::LoadU(d, values + i + lanes), zero, odd);
  }
  float rest = 0;
  for (; i < count; ++i) {
    rest += values[i] * 0.0F;
  }
  return rest == 0.0F && hn::AllTrue(d, hn::Eq(hn::Add(even, odd), zero));
}

// Keeps a tile of kRows rows and two vectors of columns in registers while it sums over the rank.
template <int kRows>
void add_product_rows(const float* left, const float* right, std::int64_t rank, std::int64_t columns,
                      float* weight) {
  const hn::ScalableTag<float> d;
  using Vector = hn::Vec<decltype(d)>;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t column = 0;
  for (; column + 2 * lanes <= columns; column += 2 * lanes) {
    Vector sum[kRows][2];
    for (int row = 0; row < kRows; ++row) {
      sum[row][0] = hn::LoadU(d, weight + row * columns + column);
      sum[row][1] = hn::LoadU(d, weight + row * columns + column + lanes);
    }
    for (std::int64_t r = 0; r < rank; ++r) {
      const Vector first = hn::LoadU(d, right + r * columns + column);
      const Vector second = hn::LoadU(d, right + r * columns + column + lanes);
      for (int row = 0; row < kRows; ++row) {
        const Vector factor = hn::Set(d, left[row * rank + r]);
        sum[row][0] = hn::MulAdd(factor, first, sum[row][0]);
        sum[row][1] = hn::MulAdd(factor, second, sum[row][1]);
      }
    }
    for (int row = 0; row < kRows; ++row) {
      hn::StoreU(sum[row][0], d, weight + row * columns + column);
      hn::StoreU(sum[row][1], d, weight + row * columns + column + lanes);
    }
  }
  for (; column < columns; ++column) {
    for (int row = 0; row < kRows; ++row) {
      float sum = weight[row * columns + column];
      for (std::int64_t r = 0; r < rank; ++r) {
        sum += left[row * rank + r] * right[r * columns + column];
      }
      weight[row * columns + column] = sum;
    }
  }
}

void add_product(const float* left, const float* right, std::int64_t rows, std::int64_t rank,
                 std::int64_t columns, float* weight) {
  std::int64_t row = 0;
  for (; row + 4 <= rows; row += 4) {
    add_product_rows<4>(left + row * rank, right, rank, columns, weight + row * columns);
  }
  for (; row < rows; ++row) {
    add_product_rows<1>(left + row * rank, right, rank, columns, weight + row * columns);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace streamdiffusion
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace streamdiffusion {

HWY_EXPORT(float_from_f16);
HWY_EXPORT(float_from_bf16);
HWY_EXPORT(is_finite);
HWY_EXPORT(add_product);

void float_from_f16(const std::byte* in, std::span<float> out) {
  HWY_DYNAMIC_DISPATCH(float_from_f16)(in, out.data(), out.size());
}

void float_from_bf16(const std::byte* in, std::span<float> out) {
  HWY_DYNAMIC_DISPATCH(float_from_bf16)(in, out.data(), out.size());
}

bool is_finite(std::span<const float> values) {
  return HWY_DYNAMIC_DISPATCH(is_finite)(values.data(), values.size());
}

void add_product(const float* left, const float* right, std::int64_t rows, std::int64_t rank,
                 std::int64_t columns, float* weight) {
  HWY_DYNAMIC_DISPATCH(add_product)(left, right, rows, rank, columns, weight);
}

}  // namespace streamdiffusion
#endif
