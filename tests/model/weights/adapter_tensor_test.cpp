#include "model/weights/adapter_tensor.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model/errors.h"

namespace streamdiffusion {
namespace {

template <typename Bits>
void check(DType dtype, Bits first, Bits second) {
  const std::vector<Bits> values = {first, second};
  check_numbers({dtype, {2}, std::as_bytes(std::span(values))}, "x.safetensors: \"key\"");
}

TEST(AdapterTensor, TakesTheLargestFiniteNumbersOfEachType) {
  check<std::uint64_t>(DType::f64, 0, 0xffef'ffff'ffff'ffff);
  check<std::uint32_t>(DType::f32, 0, 0xff7f'ffff);
  check<std::uint16_t>(DType::f16, 0, 0xfbff);
  check<std::uint16_t>(DType::bf16, 0, 0xff7f);
  check<std::uint8_t>(DType::f8_e5m2, 0, 0xfb);
  check<std::uint8_t>(DType::f8_e4m3, 0x7e, 0xfe);
}

TEST(AdapterTensor, WithNaNOrInfinityIsAnErrorThatNamesFileAndKey) {
  const auto expect = [](auto run) { expect_error(run, {"x.safetensors: \"key\"", "NaN or infinity"}); };
  expect([] { check<std::uint64_t>(DType::f64, 0, 0x7ff0'0000'0000'0000); });
  expect([] { check<std::uint64_t>(DType::f64, 0, 0xfff8'0000'0000'0000); });
  expect([] { check<std::uint32_t>(DType::f32, 0, 0x7f80'0000); });
  expect([] { check<std::uint32_t>(DType::f32, 0xffc0'0000, 0); });
  expect([] { check<std::uint16_t>(DType::f16, 0, 0xfc00); });
  expect([] { check<std::uint16_t>(DType::f16, 0x7e00, 0); });
  expect([] { check<std::uint16_t>(DType::bf16, 0, 0x7f80); });
  expect([] { check<std::uint8_t>(DType::f8_e5m2, 0, 0x7c); });
  expect([] { check<std::uint8_t>(DType::f8_e4m3, 0, 0xff); });
}

}  // namespace
}  // namespace streamdiffusion
