#include "device/vulkan/hazards.h"

#include <gtest/gtest.h>

#include <array>

namespace streamdiffusion::vulkan {
namespace {

Tensor tensor_at(Address address, const Shape& shape, std::int64_t stride) {
  Tensor tensor = dense_tensor(address, shape.c, DType::f32);
  tensor.shape = shape;
  tensor.stride = stride;
  return tensor;
}

TEST(VulkanRegions, OfSlicesOfTheSameTensorOverlapWhereTheirChannelsDo) {
  const Tensor whole = tensor_at(4096, {2, 4, 4, 32}, 32);
  const auto slice = [&](std::int64_t first, std::int64_t count) {
    return region_of(whole.channels(first, count));
  };
  EXPECT_FALSE(overlap(slice(0, 16), slice(16, 16)));
  EXPECT_FALSE(overlap(slice(24, 8), slice(0, 24)));
  EXPECT_TRUE(overlap(slice(0, 17), slice(16, 16)));
  EXPECT_TRUE(overlap(slice(8, 8), slice(0, 32)));
  EXPECT_TRUE(overlap(slice(0, 32), slice(31, 1)));
  // The second row of the first slice, and the second slice from there on.
  EXPECT_FALSE(overlap(region_of(whole.channels(0, 16).rows(1, 1)), slice(16, 16)));
  EXPECT_TRUE(overlap(region_of(whole.channels(0, 16).rows(1, 1)), slice(8, 16)));
}

TEST(VulkanRegions, OverlapAsTheirBytesDo) {
  // All pairs of small regions, against a comparison of each byte.
  const auto bytes_of = [](const Region& region) {
    std::array<bool, 128> bytes{};
    for (Address start = region.first; start < region.end; start += region.stride) {
      for (Address byte = start; byte < start + region.width; ++byte) {
        bytes.at(byte) = true;
      }
    }
    return bytes;
  };
  for (Address first = 0; first < 20; ++first) {
    for (std::uint64_t width = 1; width <= 8; ++width) {
      for (Address other_first = 0; other_first < 20; ++other_first) {
        for (std::uint64_t other_width = 1; other_width <= 8; other_width += 3) {
          const Region one{first, first + 3 * 8 + width, 8, width};
          const Region other{other_first, other_first + 2 * 8 + other_width, 8, other_width};
          const auto bytes = bytes_of(one);
          const auto other_bytes = bytes_of(other);
          bool share = false;
          for (std::size_t i = 0; i < bytes.size(); ++i) {
            share = share || (bytes[i] && other_bytes[i]);
          }
          // They may be said to overlap beyond their ends, but never to be apart where they are not.
          ASSERT_TRUE(overlap(one, other) || !share)
              << first << " " << width << " " << other_first << " " << other_width;
        }
      }
    }
  }
}

TEST(VulkanRegions, ThatAreEmptyOverlapNothing) {
  EXPECT_FALSE(overlap(Region{}, region_of(0, 100)));
  EXPECT_FALSE(overlap(region_of(0, 100), Region{}));
}

TEST(VulkanHazards, AskForABarrierOnlyWhereResultsAreReadOrOverwritten) {
  const Region a = region_of(0, 100);
  const Region b = region_of(100, 100);
  const Region c = region_of(200, 100);
  const Region d = region_of(300, 100);
  const auto add = [](Hazards& hazards, const Region& read, const Region& write) {
    return hazards.add({&read, 1}, {&write, 1});
  };
  Hazards hazards;
  EXPECT_FALSE(add(hazards, a, b));
  EXPECT_FALSE(add(hazards, a, c)) << "both read the same";
  EXPECT_TRUE(add(hazards, b, d)) << "reads what the first wrote";
  EXPECT_FALSE(add(hazards, a, c)) << "writes again what was written before the barrier";
  EXPECT_TRUE(add(hazards, a, b)) << "overwrites what is read";
  EXPECT_TRUE(add(hazards, a, b)) << "overwrites what was written";
  hazards.clear();
  EXPECT_FALSE(add(hazards, b, a));
}

}  // namespace
}  // namespace streamdiffusion::vulkan
