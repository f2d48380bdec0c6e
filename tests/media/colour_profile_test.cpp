#include "media/colour_profile.h"

#include <lcms2.h>
#include <zlib.h>

#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "core/free_with.h"
#include "support.h"

namespace streamdiffusion::tests {
namespace {

constexpr cmsCIExyY kD65{0.3127, 0.3290, 1};
constexpr cmsCIExyYTRIPLE kP3{{0.680, 0.320, 1}, {0.265, 0.690, 1}, {0.150, 0.060, 1}};
constexpr cmsCIExyYTRIPLE kAdobe{{0.64, 0.33, 1}, {0.21, 0.71, 1}, {0.15, 0.06, 1}};
constexpr double kTables = 2.1;    ///< A version of ICC profiles whose curves are tables.
constexpr double kFormulas = 4.3;  ///< A version whose curves may be formulas.

using Curve = std::unique_ptr<cmsToneCurve, FreeWith<cmsFreeToneCurve>>;

Curve gamma(double value) { return Curve(cmsBuildGamma(nullptr, value)); }

Curve srgb_curve() {
  constexpr std::array kParameters = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045};
  return Curve(cmsBuildParametricToneCurve(nullptr, 4, kParameters.data()));
}

/// Returns the bytes of the profile, and closes it.
std::string saved(cmsHPROFILE profile, double version) {
  cmsSetProfileVersion(profile, version);
  cmsUInt32Number size = 0;
  EXPECT_TRUE(cmsSaveProfileToMem(profile, nullptr, &size));
  std::string bytes(size, '\0');
  EXPECT_TRUE(cmsSaveProfileToMem(profile, bytes.data(), &size));
  cmsCloseProfile(profile);
  return bytes;
}

std::string rgb_profile(const cmsCIExyYTRIPLE& primaries, const Curve& curve, double version = kFormulas) {
  const std::array<cmsToneCurve*, 3> curves = {curve.get(), curve.get(), curve.get()};
  return saved(cmsCreateRGBProfile(&kD65, &primaries, curves.data()), version);
}

std::string p3_profile() { return rgb_profile(kP3, srgb_curve()); }

std::string grey_profile(const Curve& curve) {
  return saved(cmsCreateGrayProfile(cmsD50_xyY(), curve.get()), kTables);
}

/// A profile that converts by a coarse table, in which red and blue change places.
std::string table_profile() {
  const cmsHPROFILE lab = cmsCreateLab2Profile(nullptr);
  const cmsHPROFILE srgb = cmsCreate_sRGBProfile();
  const cmsHTRANSFORM to_lab = cmsCreateTransform(srgb, TYPE_BGR_16, lab, TYPE_Lab_16, INTENT_PERCEPTUAL, 0);
  const cmsHPROFILE profile = cmsCreateProfilePlaceholder(nullptr);
  cmsSetDeviceClass(profile, cmsSigInputClass);
  cmsSetColorSpace(profile, cmsSigRgbData);
  cmsSetPCS(profile, cmsSigLabData);
  cmsPipeline* const table = cmsPipelineAlloc(nullptr, 3, 3);
  cmsStage* const stage = cmsStageAllocCLut16bit(nullptr, 33, 3, 3, nullptr);
  const auto sample = [](const cmsUInt16Number in[], cmsUInt16Number out[],
                         void* transform) -> cmsInt32Number {
    cmsDoTransform(transform, in, out, 1);
    return 1;
  };
  cmsStageSampleCLut16bit(stage, sample, to_lab, 0);
  cmsPipelineInsertStage(table, cmsAT_END, stage);
  EXPECT_TRUE(cmsWriteTag(profile, cmsSigAToB0Tag, table));
  cmsPipelineFree(table);
  cmsDeleteTransform(to_lab);
  cmsCloseProfile(lab);
  cmsCloseProfile(srgb);
  return saved(profile, kTables);
}

Bytes bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string big_endian_text(std::size_t value, int bytes) {
  std::string text;
  while (bytes-- > 0) text += static_cast<char>(value >> (8 * bytes) & 0xFF);
  return text;
}

/// Returns the content of an iCCP chunk: a name, the compression method and the compressed profile.
std::string deflated_profile(const std::string& profile) {
  std::string data(compressBound(profile.size()), '\0');
  uLongf size = data.size();
  compress(reinterpret_cast<Bytef*>(data.data()), &size, reinterpret_cast<const Bytef*>(profile.data()),
           profile.size());
  return std::string("name\0\0", 6) + data.substr(0, size);
}

/// Puts a chunk iCCP into a PNG, animated or not.
std::string png_with_chunk(std::string png, const std::string& content) {
  constexpr std::size_t kHeaderEnd = 8 + 25;
  const std::string chunk = "iCCP" + content;
  const uLong sum = crc32(0, reinterpret_cast<const Bytef*>(chunk.data()), static_cast<uInt>(chunk.size()));
  return png.insert(kHeaderEnd, big_endian_text(chunk.size() - 4, 4) + chunk + big_endian_text(sum, 4));
}

std::string png_with(const std::string& png, const std::string& profile) {
  return png_with_chunk(png, deflated_profile(profile));
}

/// Puts the profile into a JPEG, in as many segments as it takes.
std::string jpeg_with(std::string jpeg, const std::string& profile) {
  constexpr std::size_t kMost = 65'000;
  const std::size_t count = (profile.size() + kMost - 1) / kMost;
  std::string segments;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string part = profile.substr(i * kMost, kMost);
    segments += "\xFF\xE2" + big_endian_text(part.size() + 16, 2) + std::string("ICC_PROFILE\0", 12) +
                big_endian_text(i + 1, 1) + big_endian_text(count, 1) + part;
  }
  return jpeg.insert(2, segments);
}

std::string encoded(const Frame& frame, const std::string& format) {
  const std::vector<std::uint8_t> bytes = encode_image(frame, format, {}, format == "jpeg" ? 100 : -1);
  return {bytes.begin(), bytes.end()};
}

/// A colour in Display P3, and the same colour in sRGB, converted by Pillow's ImageCms.
struct Conversion {
  Colour from;
  Colour to;
};
constexpr std::array<Conversion, 9> kFromP3 = {{{{200, 100, 50}, {215, 93, 31}},
                                                {{120, 140, 160}, {115, 141, 162}},
                                                {{60, 90, 70}, {50, 91, 68}},
                                                {{230, 200, 180}, {236, 199, 177}},
                                                {{20, 15, 10}, {21, 15, 9}},
                                                {{128, 128, 128}, {128, 128, 128}},
                                                {{255, 0, 0}, {255, 0, 0}},
                                                {{255, 255, 255}, {255, 255, 255}},
                                                {{0, 0, 0}, {0, 0, 0}}}};

struct ReadImageResult {
  Frame frame;
  std::vector<std::string> warnings;
};
ReadImageResult read(const std::string& file) {
  ReadImageResult read;
  read.frame = read_image(file, [&](const std::string& text) { read.warnings.push_back(text); });
  return read;
}

/// Writes the bytes and reads them as an image.
ReadImageResult read_bytes_as(const std::string& name, const std::string& bytes) {
  const ScratchFolder folder;
  write_bytes(folder / name, bytes);
  return read(folder / name);
}

void expect_from_p3(const Frame& frame, const Conversion& conversion, int tolerance) {
  EXPECT_TRUE(near(pixel(frame, 5, 5), conversion.to, tolerance));
}

TEST(ColourProfile, OfAPngInDisplayP3IsApplied) {
  for (const Conversion& conversion : kFromP3) {
    const std::string png = png_with(encoded(plain_frame(16, 16, conversion.from), "png"), p3_profile());
    const ReadImageResult image = read_bytes_as("a.png", png);
    expect_from_p3(image.frame, conversion, 1);
    EXPECT_TRUE(image.warnings.empty());
  }
}

TEST(ColourProfile, OfAJpegInDisplayP3IsApplied) {
  for (const Conversion& conversion : kFromP3) {
    const std::string jpeg = jpeg_with(encoded(plain_frame(16, 16, conversion.from), "jpeg"), p3_profile());
    expect_from_p3(read_bytes_as("a.jpg", jpeg).frame, conversion, 3);
  }
}

TEST(ColourProfile, IsAppliedToBytesThatAreSent) {
  const std::string png = png_with(encoded(plain_frame(16, 16, kFromP3[0].from), "png"), p3_profile());
  const std::vector<std::uint8_t> bytes(png.begin(), png.end());
  expect_from_p3(decode_image(bytes, 1 << 20), kFromP3[0], 1);
}

class EveryFileInDisplayP3 : public testing::TestWithParam<const char*> {};

TEST_P(EveryFileInDisplayP3, IsConvertedToSrgb) {
  const ReadImageResult image = read(fixture(GetParam()));
  expect_from_p3(image.frame, kFromP3[0], 3);
  EXPECT_TRUE(image.warnings.empty()) << image.warnings.front();
}
INSTANTIATE_TEST_SUITE_P(Files, EveryFileInDisplayP3,
                         testing::Values("p3.webp", "p3.avif", "p3.tif", "p3_tagged.avif"));

TEST(ColourProfile, OfOtherColourSpacesIsApplied) {
  const auto read_colour = [](const std::string& profile, const Colour& colour) {
    const std::string png = png_with(encoded(plain_frame(16, 16, colour), "png"), profile);
    return pixel(read_bytes_as("a.png", png).frame, 5, 5);
  };
  const std::string adobe = rgb_profile(kAdobe, gamma(563.0 / 256), kTables);
  EXPECT_TRUE(near(read_colour(adobe, {200, 100, 50}), {227, 100, 42}, 1));
  EXPECT_TRUE(near(read_colour(adobe, {20, 15, 10}), {14, 6, 2}, 1));
  EXPECT_TRUE(near(read_colour(table_profile(), {200, 100, 50}), {50, 100, 200}, 5));
}

TEST(ColourProfile, IsAppliedToAPalette) {
  const std::string png = png_with(read_bytes(fixture("palette.png")), table_profile());
  const Frame frame = read_bytes_as("a.png", png).frame;
  EXPECT_TRUE(near(at(frame, Corner::top_left), kBlue, 16));
  EXPECT_TRUE(near(at(frame, Corner::bottom_left), kRed, 16));
}

TEST(ColourProfile, IsAppliedWhateverItsVersion) {
  const std::string png = encoded(plain_frame(16, 16, kFromP3[0].from), "png");
  const std::string profile = rgb_profile(kP3, srgb_curve(), kTables);
  expect_from_p3(read_bytes_as("a.png", png_with(png, profile)).frame, kFromP3[0], 1);
}

TEST(ColourProfile, OfSrgbChangesNoPixel) {
  const Frame frame = gradient_frame(64, 48, 7);
  for (const double version : {kTables, kFormulas}) {
    const std::string profile = saved(cmsCreate_sRGBProfile(), version);
    EXPECT_EQ(read_bytes_as("a.png", png_with(encoded(frame, "png"), profile)).frame.pixels, frame.pixels);
    const std::string jpeg = encoded(frame, "jpeg");
    EXPECT_EQ(read_bytes_as("a.jpg", jpeg_with(jpeg, profile)).frame.pixels,
              read_bytes_as("a.jpg", jpeg).frame.pixels);
  }
}

TEST(ColourProfile, OfSrgbTakesNoTransform) {
  const std::string srgb = saved(cmsCreate_sRGBProfile(), kTables);
  EXPECT_EQ(transform_from_profile(bytes_of(srgb), {}), nullptr);
  EXPECT_EQ(transform_from_profile(bytes_of(srgb), {.has_alpha = true}), nullptr);
  EXPECT_EQ(transform_from_profile(bytes_of(srgb), {.is_grey = true}), nullptr);
}

TEST(ColourProfile, IsAppliedBeforeTransparencyBecomesBlack) {
  const Frame plain = read_image(fixture("alpha.png"));
  const Frame converted =
      read_bytes_as("a.png", png_with(read_bytes(fixture("alpha.png")), p3_profile())).frame;
  EXPECT_EQ(pixel(converted, 24, 20), pixel(plain, 24, 20));  // white, half transparent
  EXPECT_EQ(pixel(converted, 24, 2), kWhite);
}

TEST(ColourProfile, OfGreyIsApplied) {
  const std::string grey = read_bytes(fixture("grey16.png"));
  const ReadImageResult image = read_bytes_as("a.png", png_with(grey, grey_profile(gamma(1.8))));
  const Frame plain = read_image(fixture("grey16.png"));
  ASSERT_TRUE(near(at(plain, Corner::top_left), {76, 76, 76}, 1));
  EXPECT_TRUE(near(at(image.frame, Corner::top_left), {95, 95, 95}, 1));
  EXPECT_EQ(pixel(image.frame, 24, 16), kWhite);
  EXPECT_TRUE(image.warnings.empty());
  // An RGB profile whose curve is sRGB's changes no grey.
  EXPECT_EQ(read_bytes_as("a.png", png_with(grey, p3_profile())).frame.pixels, plain.pixels);
}

struct Unsuitable {
  const char* name;
  std::string profile;
  const char* word;
};

TEST(ColourProfile, ThatCannotBeAppliedCostsOneWarning) {
  const std::string p3 = p3_profile();
  std::string of_cmyk = p3;
  of_cmyk.replace(16, 4, "CMYK");
  std::string without_curves = p3;
  for (std::size_t i = 0; (i = without_curves.find("TRC", i)) != std::string::npos;) without_curves[i] = '?';
  std::string with_elements = p3;
  with_elements.replace(with_elements.find("cprt"), 4, "D2B0");
  const std::vector<Unsuitable> profiles = {{"cut", p3.substr(0, p3.size() / 2), "damaged"},
                                            {"text", "this is no profile", "damaged"},
                                            {"without curves", without_curves, "damaged"},
                                            {"CMYK", of_cmyk, "CMYK"},
                                            {"grey", grey_profile(gamma(1.8)), "for grey alone"},
                                            {"elements", with_elements, "elements"},
                                            {"large", std::string(std::size_t{5} << 20, 'x'), "4 MiB"}};
  const Frame frame = plain_frame(16, 16, kFromP3[0].from);
  for (const Unsuitable& profile : profiles) {
    const ReadImageResult image = read_bytes_as("a.png", png_with(encoded(frame, "png"), profile.profile));
    EXPECT_EQ(image.frame.pixels, frame.pixels) << profile.name;
    ASSERT_EQ(image.warnings.size(), 1U) << profile.name;
    EXPECT_NE(image.warnings[0].find(profile.word), std::string::npos) << image.warnings[0];
    EXPECT_NE(image.warnings[0].find("a.png has a "), std::string::npos) << image.warnings[0];
  }
}

TEST(ColourProfile, ThatIsBrokenInItsFileCostsOneWarning) {
  const Frame frame = plain_frame(16, 16, kFromP3[0].from);
  const std::string png = encoded(frame, "png");
  const std::string jpeg = encoded(frame, "jpeg");
  std::string lacks_segment = jpeg_with(jpeg, p3_profile());
  lacks_segment[lacks_segment.find("ICC_PROFILE") + 13] = 2;  // of two segments
  const std::vector<std::pair<std::string, std::string>> files = {
      {"text.png", png_with_chunk(png, std::string("name\0\0no deflated data", 22))},
      {"cut.png", png_with_chunk(png, deflated_profile(p3_profile()).substr(0, 100))},
      {"unnamed.png", png_with_chunk(png, std::string("\0\0", 2))},
      {"a.jpg", lacks_segment}};
  for (const auto& [name, bytes] : files) {
    const ReadImageResult image = read_bytes_as(name, bytes);
    EXPECT_TRUE(near(pixel(image.frame, 5, 5), kFromP3[0].from, 2)) << name;
    ASSERT_EQ(image.warnings.size(), 1U) << name;
    EXPECT_NE(image.warnings[0].find("colours are read as sRGB"), std::string::npos) << image.warnings[0];
  }
}

TEST(ColourProfile, ThatIsDamagedAnywhereDoesNoHarm) {
  std::array<std::uint8_t, 3> pixel = {200, 100, 50};
  int refused = 0;
  // The table takes longer, so that only its header is damaged.
  for (const auto& [profile, step] : {std::pair{p3_profile(), 3U}, std::pair{grey_profile(gamma(1.8)), 3U},
                                      std::pair{table_profile(), 97U}}) {
    for (std::size_t i = 0; i < std::min<std::size_t>(profile.size(), 600); i += step) {
      std::string damaged = profile;
      damaged[i] = static_cast<char>(~damaged[i]);
      try {
        const auto transform = transform_from_profile(bytes_of(damaged), {.is_grey = true});
        if (transform) transform->apply(pixel.data(), 1);
      } catch (const Error&) {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 50);
}

TEST(ColourProfile, OfCmykIsNamed) {
  std::string profile = p3_profile();
  profile.replace(16, 4, "CMYK");
  const ReadImageResult image = read_bytes_as("a.jpg", jpeg_with(read_bytes(fixture("cmyk.jpg")), profile));
  EXPECT_EQ(image.frame.pixels, read_image(fixture("cmyk.jpg")).pixels);
  ASSERT_EQ(image.warnings.size(), 1U);
  EXPECT_NE(image.warnings[0].find("CMYK"), std::string::npos) << image.warnings[0];
}

TEST(ColourProfile, OfAnAnimatedPngIsAppliedToAllFrames) {
  const ScratchFolder folder;
  const auto sink = open_sink(sink_options(folder / "a.apng", 16, 16));
  for (int i = 0; i < 3; ++i) sink->write(plain_frame(16, 16, kFromP3[static_cast<std::size_t>(i)].from));
  sink->finish();
  write_bytes(folder / "b.apng", png_with(read_bytes(folder / "a.apng"), p3_profile()));
  const std::vector<Frame> frames = read_all(folder / "b.apng");
  ASSERT_EQ(frames.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) expect_from_p3(frames[i], kFromP3[i], 1);
}

TEST(ColourProfile, OfMotionJpegIsAppliedOrNamedOnce) {
  const ScratchFolder folder;
  std::string good;
  std::string damaged;
  for (std::size_t i = 0; i < 4; ++i) {
    const std::string jpeg = encoded(plain_frame(16, 16, kFromP3[i].from), "jpeg");
    good += jpeg_with(jpeg, p3_profile());
    damaged += jpeg_with(jpeg, p3_profile().substr(0, 300));
  }
  write_bytes(folder / "a.mjpeg", good);
  write_bytes(folder / "b.mjpeg", damaged);
  const std::vector<Frame> frames = read_all(folder / "a.mjpeg");
  ASSERT_EQ(frames.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) expect_from_p3(frames[i], kFromP3[i], 3);
  std::vector<std::string> warnings;
  SourceOptions options;
  options.input = folder / "b.mjpeg";
  options.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  EXPECT_EQ(read_all(options).size(), 4U);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("damaged colour profile"), std::string::npos) << warnings[0];
}

TEST(WidePrimaries, OfAVideoAreConvertedToSrgb) {
  const ScratchFolder folder;
  SinkOptions options = sink_options(folder / "a.mkv", 16, 16);
  options.codec = "ffv1";
  options.ffmpeg_options = {{"color_primaries", "smpte432"}};
  const auto sink = open_sink(options);
  for (const Conversion& conversion : kFromP3) sink->write(plain_frame(16, 16, conversion.from));
  sink->finish();
  const std::vector<Frame> frames = read_all(options.output);
  ASSERT_EQ(frames.size(), kFromP3.size());
  for (std::size_t i = 0; i < frames.size(); ++i) expect_from_p3(frames[i], kFromP3[i], 4);
}

TEST(WidePrimaries, KeepGreysAndClipWhatSrgbDoesNotHave) {
  constexpr Chromaticities kBt2020 = {{0.708, 0.292}, {0.170, 0.797}, {0.131, 0.046}, {0.3127, 0.3290}};
  const auto transform = transform_from_primaries(kBt2020, {});
  std::array<std::uint8_t, 15> pixels = {0, 0, 0, 100, 100, 100, 255, 255, 255, 255, 0, 0, 150, 120, 90};
  transform->apply(pixels.data(), 5);
  // The last colour was computed from the primaries with NumPy.
  const std::array<int, 15> expected = {0, 0, 0, 100, 100, 100, 255, 255, 255, 255, 0, 0, 167, 116, 85};
  for (std::size_t i = 0; i < pixels.size(); ++i) EXPECT_NEAR(pixels[i], expected[i], 1) << i;
}

/// Little CMS's own conversion is the reference.
TEST(ColourTransform, IsWithinOneLevelOfLittleCms) {
  for (const std::string& profile : {p3_profile(), rgb_profile(kAdobe, gamma(2.2), kTables)}) {
    const cmsHPROFILE from =
        cmsOpenProfileFromMem(profile.data(), static_cast<cmsUInt32Number>(profile.size()));
    const cmsHPROFILE srgb = cmsCreate_sRGBProfile();
    const cmsHTRANSFORM reference =
        cmsCreateTransform(from, TYPE_RGBA_8, srgb, TYPE_RGBA_8, INTENT_PERCEPTUAL, cmsFLAGS_COPY_ALPHA);
    std::vector<std::uint8_t> colours;
    for (int i = 0; i < 26 * 26 * 26; ++i) {
      for (const int value : {i % 26, i / 26 % 26, i / 676, i % 25}) {
        colours.push_back(static_cast<std::uint8_t>(value * 10));
      }
    }
    std::vector<std::uint8_t> expected = colours;
    cmsDoTransform(reference, expected.data(), expected.data(), 26 * 26 * 26);
    transform_from_profile(bytes_of(profile), {.has_alpha = true})->apply(colours.data(), colours.size() / 4);
    int worst = 0;
    for (std::size_t i = 0; i < colours.size(); ++i)
      worst = std::max(worst, std::abs(colours[i] - expected[i]));
    EXPECT_LE(worst, 1);
    cmsDeleteTransform(reference);
    cmsCloseProfile(from);
    cmsCloseProfile(srgb);
  }
}

}  // namespace
}  // namespace streamdiffusion::tests
