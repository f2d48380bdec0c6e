#include "media/lighter_png.h"

#include <zlib.h>

#include "support.h"

namespace streamdiffusion::tests {
namespace {

constexpr std::size_t kMost = 1000;

std::string deflated(std::size_t size) {
  const std::string zeros(size, '\0');
  std::string data(compressBound(size), '\0');
  uLongf length = data.size();
  compress(reinterpret_cast<Bytef*>(data.data()), &length, reinterpret_cast<const Bytef*>(zeros.data()),
           zeros.size());
  return data.substr(0, length);
}

/// Puts a chunk behind the header of a PNG, with a checksum of zeros.
std::string with_plain_chunk(std::string png, const std::string& type, const std::string& content) {
  std::string chunk = "0000" + type + content + std::string(4, '\0');
  for (std::size_t i = 0; i < 4; ++i) chunk[i] = static_cast<char>(content.size() >> (24 - 8 * i) & 0xFF);
  return png.insert(33, chunk);
}

std::optional<LighterPng> lighter(const std::string& png) {
  return without_heavy_chunks({reinterpret_cast<const std::uint8_t*>(png.data()), png.size()}, kMost);
}

std::string plain_png() { return read_bytes(fixture("plain.png")); }

TEST(HeavyPngChunks, AreLeftOut) {
  const std::string png = plain_png();
  const std::string text = deflated(10);
  const std::vector<std::pair<std::string, std::string>> chunks = {
      {"zTXt", std::string("Comment\0\0", 9) + text},
      {"iTXt", std::string("Comment\0\1\0\0\0", 12) + text},
      {"iCCP", std::string("p\0\0", 3) + deflated(kMost + 1)}};
  for (const auto& [type, content] : chunks) {
    const std::optional<LighterPng> found = lighter(with_plain_chunk(png, type, content));
    ASSERT_TRUE(found) << type;
    EXPECT_EQ(std::string(found->bytes.begin(), found->bytes.end()), png) << type;
    EXPECT_EQ(found->lacks_profile, type == "iCCP") << type;
  }
}

TEST(HeavyPngChunks, AreNotThoseOfUsualFiles) {
  const std::string png = plain_png();
  EXPECT_FALSE(lighter(png));
  EXPECT_FALSE(lighter(png.substr(0, png.size() / 2)));
  EXPECT_FALSE(lighter(with_plain_chunk(png, "iCCP", std::string("p\0\0", 3) + deflated(kMost))));
  EXPECT_FALSE(lighter(with_plain_chunk(png, "iCCP", "no name that ends")));
  EXPECT_FALSE(lighter(with_plain_chunk(png, "iCCP", std::string("p\0\0", 3) + "no deflated data")));
  EXPECT_FALSE(lighter(read_bytes(fixture("progressive.jpg"))));
}

}  // namespace
}  // namespace streamdiffusion::tests
