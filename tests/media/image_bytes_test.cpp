#include <algorithm>
#include <span>

#include "support.h"

namespace streamdiffusion::tests {
namespace {

constexpr std::int64_t kEnough = 1 << 20;

Frame decoded(const std::string& bytes, std::int64_t most_pixels = kEnough) {
  return decode_image(std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()),
                      most_pixels);
}

TEST(ImageBytes, AreReadAsTheFileIs) {
  for (const char* name : {"plain.png", "lossless.webp", "progressive.jpg"}) {
    const Frame frame = decoded(read_bytes(fixture(name)));
    EXPECT_EQ(frame.pixels, read_image(fixture(name)).pixels) << name;
  }
}

TEST(ImageBytes, OfTooLargeAnImageAreRefused) {
  EXPECT_NO_THROW(decoded(read_bytes(fixture("plain.png")), 96 * 64));
  EXPECT_NE(error_of([] { decoded(read_bytes(fixture("plain.png")), 48 * 32 - 1); }), "");
  EXPECT_NE(error_of([] { decoded(read_bytes(fixture("progressive.jpg")), 48 * 32 - 1); }), "");
  EXPECT_NE(error_of([] { decoded(read_bytes(fixture("lossless.webp")), 48 * 32 - 1); }), "");
}

TEST(ImageBytes, ThatAreNoneOfTheThreeFormatsAreRefused) {
  for (const std::string& bytes : {std::string(), std::string("P6 1 1 255\nabc"),
                                   std::string("GIF89a garbage"), std::string(100, '\0')}) {
    EXPECT_NE(error_of([&] { decoded(bytes); }).find("not a PNG, JPEG or WebP image"), std::string::npos);
  }
}

Frame opacity_of(const char* name) {
  const std::string bytes = read_bytes(fixture(name));
  return decode_opacity(std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()),
                        kEnough);
}

TEST(ImageOpacity, IsTheAlphaOfEachPixel) {
  const Frame frame = opacity_of("alpha.png");
  EXPECT_EQ(frame.width, 48);
  EXPECT_EQ(pixel(frame, 24, 2), kWhite);
  EXPECT_EQ(pixel(frame, 24, 20), (Colour{128, 128, 128}));
}

TEST(ImageOpacity, OfAnImageWithoutAlphaIsFull) {
  for (const char* name : {"plain.png", "palette.png", "progressive.jpg"}) {
    const Frame frame = opacity_of(name);
    EXPECT_EQ(frame.height, 32) << name;
    EXPECT_TRUE(std::ranges::all_of(frame.pixels, [](std::uint8_t value) { return value == 255; })) << name;
  }
}

TEST(ImageBytes, ThatAreCutShortAreRefusedAtAnyLength) {
  for (const char* name : {"plain.png", "lossless.webp", "progressive.jpg"}) {
    const std::string whole = read_bytes(fixture(name));
    for (std::size_t size = 0; size < whole.size() - 2; size += 7) {
      EXPECT_NE(error_of([&] { decoded(whole.substr(0, size)); }), "") << name << " cut to " << size;
    }
  }
}

TEST(ImageBytes, ThatAreWrittenAreReadAgain) {
  const Frame frame = read_image(fixture("plain.png"));
  for (const char* format : {"png", "jpeg", "webp"}) {
    const std::vector<std::uint8_t> bytes = encode_image(frame, format);
    const Frame again = decode_image(bytes, kEnough);
    EXPECT_EQ(again.width, frame.width) << format;
    expect_scene(again, std::string(format) == "png" ? 0 : 12);
  }
}

TEST(ImageBytes, OfAnUnknownFormatAreNotWritten) {
  EXPECT_NE(error_of([] { encode_image(read_image(fixture("plain.png")), "gif"); }).find("gif"),
            std::string::npos);
  EXPECT_NE(error_of([] { encode_image({}, "png"); }), "");
}

}  // namespace
}  // namespace streamdiffusion::tests
