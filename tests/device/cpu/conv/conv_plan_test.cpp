#include "device/cpu/conv/conv_plan.h"

#include <gtest/gtest.h>

#include <string>

#include "device/cpu/conv/conv_plan_table.h"

namespace streamdiffusion::cpu {

namespace {

constexpr Features kAmx{.bf16 = true, .amx = true};
constexpr Processor kNeon{.lanes = 4};
constexpr Processor kAvx2{.lanes = 8, .multiplies_integers = true};
constexpr Processor kAvxVnni{.lanes = 8, .multiplies_integers = true, .features = {.avx_vnni = true}};
constexpr Processor kAvx512{.lanes = 16, .multiplies_integers = true};
constexpr Processor kAvx512Bf16{.lanes = 16, .multiplies_integers = true, .features = {.bf16 = true}};
constexpr Processor kAvx512Amx{.lanes = 16, .multiplies_integers = true, .features = kAmx};

std::string name_of(WinogradFormat format) {
  switch (format) {
    case WinogradFormat::f32:
      return "f32";
    case WinogradFormat::bf16:
      return "bf16";
    case WinogradFormat::int16:
      return "int16";
  }
  return "?";
}

std::string describe(const WinogradPlan& plan) {
  return std::string("winograd ") + (plan.tile == WinogradTile::two ? "2x2 " : "") + name_of(plan.format) +
         (plan.phases == 4 ? " phases" : "") + (plan.piece_bytes > 0 ? " pieces" : "") +
         (plan.min_pixels > 0 ? " from " + std::to_string(plan.min_pixels) : "");
}

/// Returns the plan in the form of the table.
std::string describe(const ConvPlan& plan) {
  std::string text;
  const auto add = [&](const std::string& algorithm) { text += (text.empty() ? "" : ", else ") + algorithm; };
  if (plan.winograd) {
    add(describe(*plan.winograd));
  }
  if (plan.narrow) {
    add("narrow");
  }
  if (plan.reduced) {
    add(*plan.reduced == Format::int8 ? "int8" : "bf16");
  }
  if (plan.direct) {
    add("direct");
  }
  return text;
}

std::string plan(HostConv2d layer, Precision precision, const Processor& processor) {
  layer.precision = precision;
  return describe(plan_conv(layer, processor));
}

void expect_plans(Precision precision, std::string_view PlansOfProcessors::*column,
                  PlansOfProcessors PlannedLayers::*row, const Processor& processor) {
  for (const PlannedLayers& planned : kPlannedLayers) {
    for (const HostConv2d& layer : planned.layers) {
      EXPECT_EQ(plan(layer, precision, processor), planned.*row.*column)
          << layer.in_channels << " -> " << layer.out_channels << ", side " << layer.typical_size;
    }
  }
}

/// Compares the plans of all layers and reduced precisions with one column of the table.
void expect_column(std::string_view PlansOfProcessors::*column, const Processor& processor) {
  expect_plans(Precision::bf16, column, &PlannedLayers::bf16, processor);
  expect_plans(Precision::int16, column, &PlannedLayers::int16, processor);
  expect_plans(Precision::int8, column, &PlannedLayers::int8, processor);
}

TEST(PlanConv, IsTheSameInFloat32OnAllProcessors) {
  for (const PlannedLayers& planned : kPlannedLayers) {
    for (const HostConv2d& layer : planned.layers) {
      for (const Processor& processor : {kNeon, kAvx2, kAvxVnni, kAvx512, kAvx512Bf16, kAvx512Amx}) {
        EXPECT_EQ(plan(layer, Precision::f32, processor), planned.f32)
            << layer.in_channels << " -> " << layer.out_channels << ", side " << layer.typical_size;
      }
    }
  }
}

TEST(PlanConv, UsesInt8AloneWithoutFastProductsOfIntegers) {
  expect_column(&PlansOfProcessors::without_integers, kNeon);
}

TEST(PlanConv, UsesInt16BesideInt8WithAvx2AndAvx512) {
  for (const Processor& processor : {kAvx2, kAvxVnni, kAvx512}) {
    expect_column(&PlansOfProcessors::with_integers, processor);
  }
}

TEST(PlanConv, UsesBf16WhereTheProcessorMultipliesIt) {
  expect_column(&PlansOfProcessors::with_bf16, kAvx512Bf16);
}

TEST(PlanConv, UsesNoWinogradBesideAmx) { expect_column(&PlansOfProcessors::with_amx, kAvx512Amx); }

TEST(PlanConv, IsNarrowOnlyForAWholeVectorOfInputChannels) {
  EXPECT_EQ(plan(conv(8, 4), Precision::f32, kAvx2), "narrow");
  EXPECT_EQ(plan(conv(8, 4), Precision::f32, kAvx512), "direct");
}

// ---- Caches

WinogradPlan winograd_plan(const HostConv2d& layer, const CacheSizes& caches) {
  Processor processor = kAvx512;
  processor.caches = caches;
  return plan_conv(layer, processor).winograd.value();
}

constexpr std::int64_t kKibibyte = 1024;

TEST(PlanConv, DividesImagesByTheCaches) {
  const WinogradPlan large = winograd_plan(conv(64, 64, 64), {kMebibyte, 32 * kMebibyte});
  EXPECT_EQ(large.piece_bytes, 640 * kKibibyte);
  EXPECT_EQ(large.strip_bytes, 12 * kMebibyte);
  const WinogradPlan small = winograd_plan(conv(32, 32, 64), {512 * kKibibyte, 8 * kMebibyte});
  EXPECT_EQ(small.piece_bytes, 320 * kKibibyte);
  EXPECT_EQ(small.strip_bytes, 3 * kMebibyte);
}

TEST(PlanConv, UsesNoPiecesIfTheWeightsExceedTheCache) {
  EXPECT_EQ(winograd_plan(conv(64, 64, 64), {512 * kKibibyte, 32 * kMebibyte}).piece_bytes, 0);
}

TEST(PlanConv, MakesNoLargerPiecesInLargerOrUnknownCaches) {
  const WinogradPlan measured = winograd_plan(conv(64, 64, 64), {kMebibyte, 32 * kMebibyte});
  for (const CacheSizes& caches : {CacheSizes{}, CacheSizes{4 * kMebibyte, 512 * kMebibyte}}) {
    const WinogradPlan larger = winograd_plan(conv(64, 64, 64), caches);
    EXPECT_EQ(larger.piece_bytes, measured.piece_bytes);
    EXPECT_EQ(larger.strip_bytes, measured.strip_bytes);
  }
}

// ---- The algorithm for a size

ConvAlgorithm algorithm(const HostConv2d& layer, const Shape& in, std::int64_t padding, const Shape& out) {
  return plan_conv(layer, kAvx512).algorithm(in, padding, out);
}

/// An image of one row; channels do not matter.
Shape image(std::int64_t height, std::int64_t width) { return {1, height, width, 1}; }

TEST(ConvPlan, LeavesSmallImagesToTheSecondAlgorithm) {
  const HostConv2d layer = conv(32, 32, 64);
  EXPECT_EQ(algorithm(layer, image(8, 8), 1, image(8, 8)), ConvAlgorithm::winograd);
  EXPECT_EQ(algorithm(layer, image(7, 9), 1, image(7, 9)), ConvAlgorithm::direct);
  HostConv2d reduced = layer;
  reduced.precision = Precision::int8;
  EXPECT_EQ(algorithm(reduced, image(16, 16), 1, image(16, 16)), ConvAlgorithm::winograd);
  EXPECT_EQ(algorithm(reduced, image(15, 17), 1, image(15, 17)), ConvAlgorithm::reduced);
}

TEST(ConvPlan, DoesNotDependOnTheNumberOfRows) {
  const HostConv2d layer = conv(32, 32, 64);
  const Shape eight_rows{8, 7, 9, 32};
  EXPECT_EQ(algorithm(layer, eight_rows, 1, eight_rows), ConvAlgorithm::direct);
}

TEST(ConvPlan, UsesPhasesOnlyForExactlyTwiceTheInput) {
  const HostConv2d layer = up(32, 32, 64);
  EXPECT_EQ(algorithm(layer, image(8, 8), 1, image(16, 16)), ConvAlgorithm::winograd);
  EXPECT_EQ(algorithm(layer, image(8, 8), 1, image(16, 15)), ConvAlgorithm::direct);
  EXPECT_EQ(algorithm(layer, image(8, 8), 1, image(15, 16)), ConvAlgorithm::direct);
  EXPECT_EQ(algorithm(layer, image(8, 8), 0, image(16, 16)), ConvAlgorithm::direct);
}

TEST(ConvPlan, UsesNarrowPhasesOnlyForExactlyTwiceTheInput) {
  EXPECT_EQ(algorithm(up5x5(32, 3), image(8, 8), 2, image(16, 16)), ConvAlgorithm::narrow);
  EXPECT_EQ(algorithm(up5x5(32, 3), image(8, 8), 2, image(16, 15)), ConvAlgorithm::direct);
  EXPECT_EQ(algorithm(up5x5(32, 3), image(8, 8), 1, image(16, 16)), ConvAlgorithm::direct);
  EXPECT_EQ(algorithm(conv(32, 3), image(8, 8), 0, image(6, 6)), ConvAlgorithm::narrow);
}

// ---- Linear layers

std::optional<Format> linear(std::int64_t in, std::int64_t out, Precision precision,
                             const Processor& processor) {
  return plan_linear(
      {.weight = {}, .bias = {}, .out_channels = out, .in_channels = in, .precision = precision}, processor);
}

TEST(PlanLinear, UsesInt8OnAllProcessors) {
  for (const Processor& processor : {kNeon, kAvx2, kAvxVnni, kAvx512, kAvx512Bf16, kAvx512Amx}) {
    EXPECT_EQ(linear(320, 1280, Precision::int8, processor), Format::int8);
    EXPECT_EQ(linear(320, 1280, Precision::f32, processor), std::nullopt);
  }
}

TEST(PlanLinear, UsesBf16WhereTheProcessorMultipliesIt) {
  for (const Precision precision : {Precision::bf16, Precision::int16}) {
    EXPECT_EQ(linear(320, 1280, precision, kAvx512), std::nullopt);
    EXPECT_EQ(linear(320, 1280, precision, kAvx512Bf16), Format::bf16);
    EXPECT_EQ(linear(320, 1280, precision, kAvx512Amx), Format::bf16);
  }
}

TEST(PlanLinear, KeepsFewChannelsInHigherPrecision) {
  EXPECT_EQ(linear(15, 1280, Precision::int8, kAvx512Amx), std::nullopt);
  EXPECT_EQ(linear(16, 1280, Precision::int8, kAvx512Amx), Format::int8);
  EXPECT_EQ(linear(320, 7, Precision::int8, kAvx512Bf16), std::nullopt);
  EXPECT_EQ(linear(320, 7, Precision::int8, kAvx512Amx), Format::bf16);
  EXPECT_EQ(linear(320, 8, Precision::int8, kAvx512Amx), Format::int8);
}

}  // namespace

}  // namespace streamdiffusion::cpu
