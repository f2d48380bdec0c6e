#include "media/image_reader.h"

extern "C" {
#include <libavutil/bswap.h>
#include <libavutil/crc.h>
}

#include "media/ffmpeg.h"
#include "support.h"

namespace streamdiffusion::tests {
namespace {

class EveryKindOfImage : public testing::TestWithParam<std::pair<const char*, int>> {};

TEST_P(EveryKindOfImage, ShowsTheScene) {
  const auto [name, tolerance] = GetParam();
  const Frame frame = read_image(fixture(name));
  EXPECT_EQ(frame.width, 48);
  EXPECT_EQ(frame.height, 32);
  expect_scene(frame, tolerance);
}
INSTANTIATE_TEST_SUITE_P(Images, EveryKindOfImage,
                         testing::Values(std::pair{"plain.png", 0}, std::pair{"palette.png", 0},
                                         std::pair{"lossless.webp", 0}, std::pair{"cmyk.jpg", 4},
                                         std::pair{"progressive.jpg", 4}));

TEST(ReadImage, ShowsGreyAsGrey) {
  const Frame frame = read_image(fixture("grey16.png"));
  EXPECT_TRUE(near(at(frame, Corner::top_left), {76, 76, 76}, 1));
  EXPECT_TRUE(near(at(frame, Corner::top_right), {150, 150, 150}, 1));
  EXPECT_TRUE(near(pixel(frame, 24, 16), kWhite, 0));
}

TEST(ReadImage, PutsAlphaOnBlack) {
  const Frame frame = read_image(fixture("alpha.png"));
  EXPECT_EQ(pixel(frame, 24, 2), kWhite);
  EXPECT_EQ(pixel(frame, 24, 20), (Colour{128, 128, 128}));
}

struct Upright {
  std::string file;
  Corner red;
  Corner green;
};
class EveryOrientation : public testing::TestWithParam<Upright> {};

TEST_P(EveryOrientation, IsTurnedUpright) {
  const auto& [file, red, green] = GetParam();
  const Frame frame = read_image(fixture(file));
  const bool sideways = file.find_first_of("5678") != std::string::npos;
  EXPECT_EQ(frame.width, sideways ? 32 : 48);
  EXPECT_EQ(frame.height, sideways ? 48 : 32);
  EXPECT_TRUE(near(at(frame, red), kRed, 4));
  EXPECT_TRUE(near(at(frame, green), kGreen, 4));
}
INSTANTIATE_TEST_SUITE_P(
    Orientations, EveryOrientation,
    testing::Values(Upright{"oriented_1.jpg", Corner::top_left, Corner::top_right},
                    Upright{"oriented_2.jpg", Corner::top_right, Corner::top_left},
                    Upright{"oriented_3.jpg", Corner::bottom_right, Corner::bottom_left},
                    Upright{"oriented_4.jpg", Corner::bottom_left, Corner::bottom_right},
                    Upright{"oriented_5.jpg", Corner::top_left, Corner::bottom_left},
                    Upright{"oriented_6.jpg", Corner::top_right, Corner::bottom_right},
                    Upright{"oriented_7.jpg", Corner::bottom_right, Corner::top_right},
                    Upright{"oriented_8.jpg", Corner::bottom_left, Corner::top_left},
                    Upright{"oriented_6.png", Corner::top_right, Corner::bottom_right},
                    Upright{"oriented_6.webp", Corner::top_right, Corner::bottom_right},
                    Upright{"oriented_2.avif", Corner::top_right, Corner::top_left},
                    Upright{"oriented_3.avif", Corner::bottom_right, Corner::bottom_left},
                    Upright{"oriented_4.avif", Corner::bottom_left, Corner::bottom_right},
                    Upright{"oriented_5.avif", Corner::top_left, Corner::bottom_left},
                    Upright{"oriented_6.avif", Corner::top_right, Corner::bottom_right},
                    Upright{"oriented_7.avif", Corner::bottom_right, Corner::top_right},
                    Upright{"oriented_8.avif", Corner::bottom_left, Corner::top_left}));

TEST(ReadImage, SaysThatTheTransparencyOfAnAvifIsMissing) {
  std::vector<std::string> warnings;
  const auto on_warning = [&](const std::string& text) { warnings.push_back(text); };
  const Frame frame = read_image(fixture("alpha.avif"), on_warning);
  EXPECT_EQ(frame.width, 48);
  if (near(pixel(frame, 24, 20), {128, 128, 128}, 4)) return;  // a later FFmpeg
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("transparency"), std::string::npos) << warnings[0];
}

class EveryCutImage : public testing::TestWithParam<const char*> {};

TEST_P(EveryCutImage, IsAnErrorThatNamesTheFile) {
  const ScratchFolder folder;
  const std::string whole = read_bytes(fixture(GetParam()));
  // The last bytes of a JPEG are filler and its end marker, those of a PNG an end chunk: without them it is
  // whole.
  const std::size_t filler = std::string_view(GetParam()).ends_with(".png") ? 12 : 4;
  for (std::size_t size = 1; size + filler < whole.size();
       size += std::max<std::size_t>(1, whole.size() / 40)) {
    const std::string file = folder / "cut";
    write_bytes(file, whole.substr(0, size));
    EXPECT_NE(error_of([&] { read_image(file); }).find(file), std::string::npos) << size << " bytes";
  }
}
INSTANTIATE_TEST_SUITE_P(Images, EveryCutImage,
                         testing::Values("plain.png", "palette.png", "grey16.png", "cmyk.jpg",
                                         "progressive.jpg", "oriented_6.jpg", "lossless.webp"));

struct Flawed {
  std::string bytes;
  const char* name;
  bool warns;
};

TEST(ReadImage, SaysThatABaselineJpegIsCutShort) {
  const ScratchFolder folder;
  const std::string whole = read_bytes(fixture("oriented_6.jpg"));
  write_bytes(folder / "a.jpg", whole.substr(0, whole.size() * 7 / 10));
  EXPECT_NE(error_of([&] { read_image(folder / "a.jpg"); }).find("is cut short"), std::string::npos);
}

TEST(ReadImage, ReadsWhatOtherProgramsShow) {
  const ScratchFolder folder;
  const std::string jpeg = read_bytes(fixture("oriented_6.jpg"));
  const std::string without_end = jpeg.substr(0, jpeg.size() - 2);
  const std::vector<Flawed> images = {{without_end, "without its end", true},
                                      {without_end + std::string(3000, '\0'), "filled up with zeros", true},
                                      {jpeg + jpeg, "with a second image", false},
                                      {jpeg + "trailer", "with something behind it", false}};
  for (const Flawed& image : images) {
    const std::string file = folder / "a.jpg";
    write_bytes(file, image.bytes);
    std::vector<std::string> warnings;
    const Frame frame = read_image(file, [&](const std::string& text) { warnings.push_back(text); });
    EXPECT_EQ(frame.pixels, read_image(fixture("oriented_6.jpg")).pixels) << image.name;
    EXPECT_EQ(warnings.size(), image.warns ? 1U : 0U) << image.name;
    EXPECT_TRUE(is_image(file)) << image.name;
    const std::vector<std::uint8_t> bytes(image.bytes.begin(), image.bytes.end());
    EXPECT_EQ(decode_image(bytes, 1 << 20).width, 32) << image.name;
  }
}

class EveryTiff : public testing::TestWithParam<const char*> {};

TEST_P(EveryTiff, ShowsTheSceneUprightWhateverItsTags) {
  std::vector<std::string> warnings;
  const Frame frame =
      read_image(fixture(GetParam()), [&](const std::string& text) { warnings.push_back(text); });
  EXPECT_EQ(frame.width, 32);
  EXPECT_TRUE(near(at(frame, Corner::top_right), kRed, 4));
  EXPECT_TRUE(near(at(frame, Corner::bottom_right), kGreen, 4));
  EXPECT_TRUE(warnings.empty()) << warnings.front();
}
INSTANTIATE_TEST_SUITE_P(Compressions, EveryTiff,
                         testing::Values("tagged_raw.tif", "tagged_lzw.tif", "tagged_deflate.tif"));

TEST(ReadImage, RefusesATiffThatFFmpegDecodesToBlack) {
  const ScratchFolder folder;
  std::string bytes = read_bytes(fixture("tagged_lzw.tif"));
  const std::size_t entry = bytes.find(std::string("\x03\x01\x03\x00\x01\x00\x00\x00\x05\x00", 10));
  ASSERT_NE(entry, std::string::npos);
  bytes[entry + 8] = 7;  // the compression: JPEG
  write_bytes(folder / "a.tif", bytes);
  EXPECT_NE(error_of([&] { read_image(folder / "a.tif"); }).find("compressed as JPEG"), std::string::npos);
}

TEST(ReadImage, RefusesATiffInCielab) {
  const ScratchFolder folder;
  std::string bytes = read_bytes(fixture("tagged_raw.tif"));
  const std::size_t entry = bytes.find(std::string("\x06\x01\x03\x00\x01\x00\x00\x00\x02\x00", 10));
  ASSERT_NE(entry, std::string::npos);
  bytes[entry + 8] = 8;  // the colours: CIELAB
  write_bytes(folder / "a.tif", bytes);
  EXPECT_NE(error_of([&] { read_image(folder / "a.tif"); }).find("in CIELAB"), std::string::npos);
}

TEST(ReadImage, RefusesATiffInTiles) {
  const ScratchFolder folder;
  std::string bytes = read_bytes(fixture("tagged_raw.tif"));
  // The strips' rows (tag 278) become the tiles' width (tag 322).
  const std::size_t entry = bytes.find(std::string("\x16\x01\x04\x00\x01", 5));
  ASSERT_NE(entry, std::string::npos);
  bytes[entry] = 0x42;
  write_bytes(folder / "a.tif", bytes);
  EXPECT_NE(error_of([&] { read_image(folder / "a.tif"); }).find("in tiles"), std::string::npos);
}

TEST(ReadImage, SaysThatAHeicCannotBeRead) {
  const ScratchFolder folder;
  const std::string file = folder / "IMG_0001.HEIC";
  write_bytes(file, std::string("\0\0\0\x18", 4) + "ftypheic" + std::string(4, '\0') + "mif1heic");
  EXPECT_TRUE(is_image(file));
  EXPECT_NE(error_of([&] { read_image(file); }).find("is a HEIC"), std::string::npos);
}

TEST(ReadImage, TurnsAnImageWhoseOrientationHas32Bits) {
  const ScratchFolder folder;
  std::string bytes = read_bytes(fixture("oriented_1.jpg"));
  const std::size_t entry = bytes.find(std::string("\x01\x12\x00\x03", 4));
  ASSERT_NE(entry, std::string::npos);
  bytes.replace(entry + 2, 10, std::string("\0\x04\0\0\0\x01\0\0\0\x06", 10));
  write_bytes(folder / "a.jpg", bytes);
  const Frame frame = read_image(folder / "a.jpg");
  const Frame upright = read_image(fixture("oriented_1.jpg"));
  EXPECT_EQ(frame.width, upright.height);
  EXPECT_EQ(frame.height, upright.width);
}

TEST(ReadImage, SaysThatFFmpegCannotDecodeAnAnimatedWebp) {
  const std::string file = fixture("animated.webp");
  try {
    EXPECT_EQ(read_image(file).width, 64);  // a later version of FFmpeg
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("animated WebP"), std::string::npos) << error.what();
  }
}

TEST(IsImage, TakesJpegsInARowForAVideo) {
  const ScratchFolder folder;
  const std::string jpeg = read_bytes(fixture("progressive.jpg"));
  write_bytes(folder / "a.mjpeg", jpeg + jpeg + jpeg + jpeg);
  EXPECT_FALSE(is_image(folder / "a.mjpeg"));
}

TEST(ReadImage, ReadsAPngWithoutItsEnd) {
  const ScratchFolder folder;
  const std::string whole = read_bytes(fixture("oriented_6.png"));
  std::vector<std::string> warnings;
  write_bytes(folder / "a.png", whole.substr(0, whole.size() - 12));
  const Frame frame =
      read_image(folder / "a.png", [&](const std::string& text) { warnings.push_back(text); });
  EXPECT_EQ(frame.pixels, read_image(fixture("oriented_6.png")).pixels);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("no end marker"), std::string::npos) << warnings[0];
}

/// An image of one colour, 2x1 pixels.
struct Unusual {
  const char* name;
  std::string bytes;
};

TEST(IsImage, KnowsTheSameImagesInFoldersAndAlone) {
  const ScratchFolder folder;
  const std::string icon = std::string("\0\0\1\0\1\0\2\1\0\0\1\0\x18\0\x34\0\0\0\x16\0\0\0", 22) +
                           std::string("\x28\0\0\0\2\0\0\0\2\0\0\0\1\0\x18\0", 16) + std::string(24, '\0') +
                           std::string("\0\0\xFF\0\0\xFF\0\0", 8) + std::string(4, '\0');
  const std::vector<Unusual> images = {
      {"a.tga",
       std::string("\0\0\2\0\0\0\0\0\0\0\0\0\2\0\1\0\x18\0", 18) + std::string("\0\0\xFF\0\0\xFF", 6)},
      {"a.ico", icon},
      {"a.svg",
       "<svg xmlns='http://www.w3.org/2000/svg' width='2' height='1'><rect width='2' height='1' "
       "fill='red'/></svg>"},
      {"a.pam", "P7\nWIDTH 2\nHEIGHT 1\nDEPTH 3\nMAXVAL 255\nTUPLTYPE RGB\nENDHDR\n" +
                    std::string("\xFF\0\0\xFF\0\0", 6)}};
  for (const Unusual& image : images) {
    if (std::string_view(image.name) == "a.svg" && avcodec_find_decoder(AV_CODEC_ID_SVG) == nullptr) continue;
    fs::create_directory(folder / "in");
    const std::string file = folder / (std::string("in/") + image.name);
    write_bytes(file, image.bytes);
    EXPECT_TRUE(is_image(file)) << image.name;
    EXPECT_TRUE(near(pixel(read_image(file), 0, 0), kRed, 0)) << image.name;
    ASSERT_EQ(read_all(folder / "in").size(), 1U) << image.name;
    fs::remove_all(folder / "in");
  }
}

TEST(ReadImage, SaysThatABigTiffCannotBeRead) {
  const ScratchFolder folder;
  write_bytes(folder / "a.tif", std::string("II+\0\10\0\0\0", 8) + std::string(40, '\0'));
  EXPECT_TRUE(is_image(folder / "a.tif"));
  EXPECT_NE(error_of([&] { read_image(folder / "a.tif"); }).find("is a BigTIFF"), std::string::npos);
}

TEST(ReadImage, RefusesWhatIsNoImage) {
  const ScratchFolder folder;
  const std::string file = folder / "text.png";
  write_bytes(file, "this is text\n");
  EXPECT_NE(error_of([&] { read_image(file); }).find("not an image"), std::string::npos);
  EXPECT_NE(error_of([&] { read_image(fixture("bt709_full.mp4")); }).find("not an image"), std::string::npos);
  EXPECT_NE(error_of([&] { read_image(folder / "missing.png"); }).find("there is no image"),
            std::string::npos);
  EXPECT_THROW(read_image(folder / ""), Error);
  write_bytes(file, "");
  EXPECT_THROW(read_image(file), Error);
}

TEST(ReadImage, RefusesADamagedImage) {
  const ScratchFolder folder;
  std::string bytes = read_bytes(fixture("plain.png"));
  bytes[bytes.find("IDAT") + 10] ^= 0x55;
  const std::string file = folder / "damaged.png";
  write_bytes(file, bytes);
  EXPECT_NE(error_of([&] { read_image(file); }).find(file), std::string::npos);
}

TEST(ReadImage, RefusesASizeThatWouldEatTheMemory) {
  const ScratchFolder folder;
  // A PPM needs no checksum: a header of 60000x60000 and a little data.
  const std::string file = folder / "huge.ppm";
  write_bytes(file, "P6\n60000 60000\n255\n" + std::string(1000, 'x'));
  EXPECT_THROW(read_image(file), Error);
}

TEST(IsImage, TellsImagesFromVideosByTheirBytes) {
  EXPECT_TRUE(is_image(fixture("plain.png")));
  EXPECT_TRUE(is_image(fixture("cmyk.jpg")));
  EXPECT_TRUE(is_image(fixture("lossless.webp")));
  EXPECT_FALSE(is_image(fixture("untagged.mp4")));
  EXPECT_FALSE(is_image(fixture("uneven.mkv")));
  EXPECT_FALSE(is_image(fixture("missing")));
}

std::vector<std::string> image_warnings_of(const std::string& file) {
  std::vector<std::string> warnings;
  read_image(file, [&](const std::string& text) { warnings.push_back(text); });
  return warnings;
}

std::string little_endian_text(std::uint32_t value, std::size_t bytes) {
  std::string text;
  for (; bytes > 0; --bytes, value >>= 8) text.push_back(static_cast<char>(value & 0xFF));
  return text;
}

/// Chains directories with an entry each, the type of the page, to a TIFF's only one.
std::string with_pages(std::string tiff, const std::vector<std::uint32_t>& types) {
  constexpr std::uint32_t kLong = 4;
  const auto number = [&tiff](std::size_t at, std::size_t bytes) {
    std::size_t value = 0;
    while (bytes-- > 0) value = value * 256 + static_cast<unsigned char>(tiff[at + bytes]);
    return value;
  };
  std::size_t next = number(4, 4);
  next += 2 + 12 * number(next, 2);
  for (const std::uint32_t type : types) {
    tiff.replace(next, 4, little_endian_text(static_cast<std::uint32_t>(tiff.size()), 4));
    next = tiff.size() + 14;
    tiff += little_endian_text(1, 2) + little_endian_text(254, 2) + little_endian_text(kLong, 2) +
            little_endian_text(1, 4) + little_endian_text(type, 4) + little_endian_text(0, 4);
  }
  return tiff;
}

TEST(ReadImage, TellsOfFurtherPagesOfATiff) {
  const ScratchFolder folder;
  const std::string tiff = read_bytes(fixture("tagged_raw.tif"));
  ASSERT_TRUE(tiff.starts_with("II"));
  constexpr std::uint32_t kPage = 2;
  constexpr std::uint32_t kThumbnail = 1;
  write_bytes(folder / "a.tif", with_pages(tiff, {kPage, kThumbnail, kPage}));
  const std::vector<std::string> warnings = image_warnings_of(folder / "a.tif");
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("3 images"), std::string::npos) << warnings[0];
  write_bytes(folder / "a.tif", with_pages(tiff, {kThumbnail}));
  EXPECT_EQ(image_warnings_of(folder / "a.tif"), std::vector<std::string>{});
}

TEST(ReadImage, TellsOfFurtherImagesOfAnAnimation) {
  const ScratchFolder folder;
  for (const char* name : {"a.gif", "a.apng"}) {
    for (const int frames : {1, 5}) {
      write_clip(sink_options(folder / name), frames);
      const std::vector<std::string> warnings = image_warnings_of(folder / name);
      ASSERT_EQ(warnings.size(), frames == 1 ? 0U : 1U) << name;
      for (const std::string& text : warnings) EXPECT_NE(text.find("5 images"), std::string::npos) << text;
    }
  }
}

/// Puts a chunk behind the header of a PNG.
std::string with_chunk(std::string png, const std::string& type_and_content) {
  constexpr std::size_t kHeaderEnd = 33;
  const auto* const begin = reinterpret_cast<const std::uint8_t*>(type_and_content.data());
  const std::uint32_t checksum =
      ~av_bswap32(av_crc(av_crc_get_table(AV_CRC_32_IEEE_LE), ~0U, begin, type_and_content.size()));
  const auto length = static_cast<std::uint32_t>(type_and_content.size() - 4);
  return png.insert(kHeaderEnd, little_endian_text(av_bswap32(length), 4) + type_and_content +
                                    little_endian_text(checksum, 4));
}

TEST(ReadImage, WarnsOfTheHdrThatAPngNames) {
  const ScratchFolder folder;
  constexpr char kBt2020 = 9;
  constexpr char kPq = 16;
  const std::string png = read_bytes(fixture("plain.png"));
  write_bytes(folder / "a.png", with_chunk(png, std::string("cICP") + kBt2020 + kPq + '\0' + '\1'));
  const std::vector<std::string> warnings = image_warnings_of(folder / "a.png");
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("is HDR"), std::string::npos) << warnings[0];
  write_bytes(folder / "a.png", with_chunk(png, std::string("cICP\x01\x0D\0\x01", 8)));
  EXPECT_EQ(image_warnings_of(folder / "a.png"), std::vector<std::string>{});
}

TEST(ReadImage, SaysThatAVideoIsNoImage) {
  EXPECT_NE(error_of([] { read_image(fixture("untagged.mp4")); }).find("a video"), std::string::npos);
}

}  // namespace
}  // namespace streamdiffusion::tests
