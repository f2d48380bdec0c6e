// Packs the layers of conv_plan_table.h and compares the algorithms that they are packed for with the table.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "device/cpu/conv/conv_plan_table.h"
#include "device/cpu/conv/convolution.h"
#include "device/cpu/cpu_device.h"
#include "device/cpu/kernels.h"
#include "device/cpu/target.h"

namespace streamdiffusion::cpu {

namespace {

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

std::string describe(const WinogradWeights& weights, std::int64_t min_pixels) {
  constexpr std::int64_t kMostPieceWeightBytes = std::int64_t{720} << 10U;
  const std::int64_t bytes = weights.positions() * weights.position_numbers * bytes_of(weights.format);
  return std::string("winograd ") + (weights.outputs == 2 ? "2x2 " : "") + name_of(weights.format) +
         (weights.phases > 1 ? " phases" : "") + (bytes <= kMostPieceWeightBytes ? " pieces" : "") +
         (min_pixels > 0 ? " from " + std::to_string(min_pixels) : "");
}

std::string describe(const PackedConv2d& packed) {
  std::string text;
  const auto add = [&](const std::string& algorithm) { text += (text.empty() ? "" : ", else ") + algorithm; };
  if (packed.winograd) {
    add(describe(*packed.winograd, packed.min_winograd_pixels));
  }
  if (packed.narrow) {
    add("narrow");
  }
  if (packed.reduced) {
    add(packed.reduced->first_part().format == Format::int8 ? "int8" : "bf16");
  }
  if (packed.direct) {
    add("direct");
  }
  return text;
}

class ConvPlan : public testing::TestWithParam<Features> {
 protected:
  std::string plan(HostConv2d layer, Precision precision) {
    layer.weight = std::span<const float>(zeros_).first(
        static_cast<std::size_t>(layer.in_channels * layer.out_channels * layer.kernel * layer.kernel));
    layer.precision = precision;
    return describe(PackedConv2d(*device_, workers_, layer));
  }
  [[nodiscard]] const std::string& of_processor(const PlansOfProcessors& plans) const {
    const Features& features = GetParam();
    if (features.amx) {
      return plans.with_amx;
    }
    if (features.bf16) {
      return plans.with_bf16;
    }
    return multiplies_integers() ? plans.with_integers : plans.without_integers;
  }

 private:
  std::vector<float> zeros_ = std::vector<float>(std::size_t{2560} * 1280 * 9);
  std::unique_ptr<Device> device_ = make_cpu_device(2, GetParam());
  Workers workers_{*device_, 2, GetParam()};
};

TEST_P(ConvPlan, OfEachLayerIsAsInTheTable) {
  if ((GetParam().bf16 || GetParam().amx) && !uses_avx512_vnni()) {
    GTEST_SKIP() << "bf16 and AMX go with AVX-512 VNNI";
  }
  for (const PlannedLayers& planned : planned_layers()) {
    for (const HostConv2d& layer : planned.layers) {
      SCOPED_TRACE(std::to_string(layer.in_channels) + " -> " + std::to_string(layer.out_channels) +
                   " side " + std::to_string(layer.typical_size));
      EXPECT_EQ(plan(layer, Precision::f32), planned.f32);
      EXPECT_EQ(plan(layer, Precision::bf16), of_processor(planned.bf16));
      EXPECT_EQ(plan(layer, Precision::int16), of_processor(planned.int16));
      EXPECT_EQ(plan(layer, Precision::int8), of_processor(planned.int8));
    }
  }
}

TEST_P(ConvPlan, IsNarrowOnlyForAWholeVectorOfInputChannels) {
  EXPECT_EQ(plan(conv(8, 4), Precision::f32), panel_format().lanes > 8 ? "direct" : "narrow");
}

INSTANTIATE_TEST_SUITE_P(Features, ConvPlan,
                         testing::Values(Features{}, Features{.bf16 = true},
                                         Features{.bf16 = true, .amx = true}));

}  // namespace

}  // namespace streamdiffusion::cpu
