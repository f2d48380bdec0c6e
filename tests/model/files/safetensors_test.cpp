#include "model/files/safetensors.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "model/errors.h"
#include "model/temporary_folder.h"
#include "model/tensors.h"

namespace streamdiffusion {
namespace {

std::shared_ptr<const SafeTensors> parse(const std::string& bytes) {
  return SafeTensors::parse(as_bytes(bytes), "file");
}

/// Returns a header with one tensor "a" that has these fields.
std::string one(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"a":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
}

TEST(SafeTensors, ReadsWhatWasWritten) {
  const TemporaryFolder folder;
  Tensors tensors;
  tensors.add("b", {2, 2}, {1, 2, 3, 4});
  tensors.add("a", {1}, {-0.5F});
  tensors.write(folder.path() / "x.safetensors");
  const auto file = SafeTensors::open(folder.path() / "x.safetensors");
  ASSERT_EQ(file->tensors().size(), 2U);
  EXPECT_EQ(file->tensors().at("b").shape, (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(floats(file->tensors().at("b")), (std::vector<float>{1, 2, 3, 4}));
  file->release_pages();
  EXPECT_EQ(floats(file->tensors().at("a")), std::vector<float>{-0.5F});
}

TEST(SafeTensors, ReadsMetadata) {
  EXPECT_EQ(parse(safetensors_bytes(R"({"__metadata__":{"format":"pt"}})"))->metadata().at("format"), "pt");
}

TEST(SafeTensors, HasEmptyTensorsAndScalars) {
  const std::string bytes = safetensors_bytes(
      R"({"empty":{"dtype":"F32","shape":[0,3],"data_offsets":[0,0]},"one":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})",
      std::string(4, '\0'));
  const auto file = parse(bytes);
  EXPECT_EQ(file->tensors().at("empty").elements(), 0);
  EXPECT_EQ(file->tensors().at("one").elements(), 1);
}

TEST(SafeTensors, TakesDataThatIsNotAligned) {
  const std::string header = one("F16", "[3]", "[0,6]");
  for (std::size_t spaces = 0; spaces < 8; ++spaces) {
    const std::string bytes =
        safetensors_bytes(header + std::string(spaces, ' '), std::string("\x00\x3c\x00\xc0\x01\x00", 6));
    const auto file = parse(bytes);
    EXPECT_EQ(floats(file->tensors().at("a")), (std::vector<float>{1, -2, std::ldexp(1.0F, -24)}));
  }
}

// The expected values are those of torch.float8_e4m3fn and torch.float8_e5m2.
TEST(SafeTensors, ReadsFloatsOf8Bits) {
  const auto read = [](const std::string& type, const std::string& bytes) {
    const std::string size = std::to_string(bytes.size());
    const std::string file_bytes = safetensors_bytes(one(type, "[" + size + "]", "[0," + size + "]"), bytes);
    return floats(parse(file_bytes)->tensors().at("a"));
  };
  EXPECT_EQ(read("F8_E4M3", std::string("\x00\x01\x07\x08\x38\x7e\x80\xb8\xfe", 9)),
            (std::vector<float>{0, 0x1p-9F, 0x7p-9F, 0x1p-6F, 1, 448, -0.0F, -1, -448}));
  EXPECT_EQ(read("F8_E5M2", std::string("\x00\x01\x03\x04\x3c\x7b\x80\xbc\x7c", 9)),
            (std::vector<float>{0, 0x1p-16F, 0x3p-16F, 0x1p-14F, 1, 57344, -0.0F, -1,
                                std::numeric_limits<float>::infinity()}));
  for (const float value : read("F8_E4M3", "\x7f\xff")) {
    EXPECT_TRUE(std::isnan(value));
  }
}

TEST(SafeTensors, RefusesWhatIsCutShort) {
  const std::string bytes = safetensors_bytes(one("F32", "[2]", "[0,8]"), std::string(8, 'x'));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    expect_error([&] { parse(bytes.substr(0, size)); }, {"file", "again"});
  }
  EXPECT_NO_THROW(parse(bytes));
}

TEST(SafeTensors, RefusesBytesAfterTheLastTensor) {
  expect_error([] { parse(safetensors_bytes(one("F32", "[2]", "[0,8]"), std::string(9, 'x'))); },
               {"file", "1 bytes after"});
}

TEST(SafeTensors, RefusesSizesThatDoNotFitOrOverflow) {
  const std::string data(8, 'x');
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"[3]", "[0,8]"},
      {"[2]", "[8,0]"},
      {"[4611686018427387904,4]", "[0,0]"},
      {"[9223372036854775807,9223372036854775807]", "[0,8]"},
      {"[-2]", "[0,8]"},
      {"[2.0]", "[0,8]"},
      {"[1e30]", "[0,8]"},
      {"[18446744073709551615]", "[0,8]"},
      {"2", "[0,8]"},
      {"[2]", "[0]"},
      {"[2]", "[0,18446744073709551616]"},
      {"[2]", "\"0,8\""},
  };
  for (const auto& [shape, offsets] : cases) {
    const std::string bytes = safetensors_bytes(one("F32", shape, offsets), data);
    expect_error([&] { parse(bytes); }, {"file", "tensor \"a\""});
  }
}

TEST(SafeTensors, RefusesOverlapsAndGaps) {
  const auto two = [](const std::string& first, const std::string& second) {
    return safetensors_bytes(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + first +
                                 R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + second + "}}",
                             std::string(8, 'x'));
  };
  EXPECT_NO_THROW(parse(two("[4,8]", "[0,4]")));
  expect_error([&] { parse(two("[0,4]", "[2,6]")); }, {"\"b\"", "overlaps"});
  expect_error([&] { parse(two("[0,4]", "[0,4]")); }, {"overlaps"});
  expect_error([&] { parse(two("[1,5]", "[5,9]")); }, {"\"a\"", "gap"});
  expect_error([&] { parse(two("[0,4]", "[5,9]")); }, {"\"b\"", "gap"});
}

TEST(SafeTensors, RefusesOtherHeaders) {
  expect_error([] { parse(safetensors_bytes(one("F8_E8M0", "[8]", "[0,8]"), std::string(8, 'x'))); },
               {"tensor \"a\"", "F8_E8M0"});
  expect_error([] { parse(safetensors_bytes(R"({"a":{"dtype":"F32","shape":[0]}})")); }, {"tensor \"a\""});
  expect_error([] { parse(safetensors_bytes(R"({"a":1})")); }, {"tensor \"a\""});
  expect_error([] { parse(safetensors_bytes("[]")); }, {"file"});
  expect_error([] { parse(safetensors_bytes("{")); }, {"file", "JSON"});
  expect_error([] { parse(safetensors_bytes(R"({"\u0061":{},"a":{}})")); }, {"file", "twice"});
  expect_error([] { parse(safetensors_bytes("{\"\xff\":{}}")); }, {"file", "JSON"});
  expect_error([] { parse(safetensors_bytes(R"({"__metadata__":{"x":1}})")); }, {"__metadata__"});
  expect_error([] { parse(std::string("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10)); }, {"file", "header"});
  expect_error([] { parse(safetensors_bytes("{\"a\":" + std::string(1000, '[') + "}")); }, {"nested"});
}

TEST(SafeTensors, NamesFilesOfOtherKinds) {
  const std::pair<std::string, const char*> cases[] = {
      {"GGUF" + std::string("\x03\0\0\0", 4), "GGUF"},
      {"PK\x03\x04" + std::string(8, '\x14'), ".dduf"},
      {"\x80\x02\x8a\x0al\xfc\x9c\x46\xf9", "pickle"},
      {"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"},
      {"<!DOCTYPE html><html>", "web page"},
      {R"({"metadata": {"total_size": 8}, "weight_map": {"a": "x.safetensors"}})", "the index of a model"},
      {R"({"_class_name": "UNet2DConditionModel"})", "JSON"},
  };
  for (const auto& [bytes, kind] : cases) {
    expect_error([&text = bytes] { parse(text); }, {"file: is not a safetensors file but ", kind});
  }
}

TEST(SafeTensors, RefusesWhatIsNoFile) {
  const TemporaryFolder folder;
  expect_error([&] { SafeTensors::open(folder.path() / "missing.safetensors"); },
               {"missing.safetensors", "No such"});
  expect_error([&] { SafeTensors::open(folder.path()); }, {folder.path().string(), "not a file"});
  folder.write("empty.safetensors", "");
  expect_error([&] { SafeTensors::open(folder.path() / "empty.safetensors"); },
               {"empty.safetensors", "0 bytes"});
}

float float_of_f16(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const float fraction = static_cast<float>(bits & 1023) / 1024.0F;
  const float size = exponent == 0 ? std::ldexp(fraction, -14)
                     : exponent == 31
                         ? (fraction == 0 ? std::numeric_limits<float>::infinity() : std::nanf(""))
                         : std::ldexp(1.0F + fraction, exponent - 15);
  return (bits & 0x8000) != 0 ? -size : size;
}

TEST(ConvertToFloat, IsExactForEveryFloat16AndBfloat16) {
  std::vector<std::uint16_t> bits(65536);
  for (std::size_t i = 0; i < bits.size(); ++i) {
    bits[i] = static_cast<std::uint16_t>(i);
  }
  FileTensor tensor{DType::f16, {65536}, std::as_bytes(std::span(bits))};
  const std::vector<float> from_f16 = floats(tensor);
  tensor.dtype = DType::bf16;
  const std::vector<float> from_bf16 = floats(tensor);
  for (std::size_t i = 0; i < bits.size(); ++i) {
    const float f16 = float_of_f16(bits[i]);
    const auto bf16 = std::bit_cast<float>(static_cast<std::uint32_t>(i) << 16);
    EXPECT_TRUE(from_f16[i] == f16 || (std::isnan(from_f16[i]) && std::isnan(f16))) << i;
    EXPECT_TRUE(from_bf16[i] == bf16 || (std::isnan(from_bf16[i]) && std::isnan(bf16))) << i;
  }
}

template <typename T>
bool convert(DType dtype, const std::vector<T>& values) {
  std::vector<float> floats(values.size());
  return convert_to_float({dtype, {std::ssize(values)}, std::as_bytes(std::span(values))}, floats);
}

TEST(ConvertToFloat, TellsWhetherAllAreFiniteWhereverTheOtherIs) {
  constexpr std::size_t kMany = 5000;  // more than one block, and not a multiple of a vector
  for (const std::size_t count : {std::size_t{1}, std::size_t{7}, std::size_t{33}, kMany}) {
    for (std::size_t at = 0; at < count; at += 1 + count / 50) {
      std::vector<std::uint16_t> halves(count, 0xFBFF);
      EXPECT_TRUE(convert(DType::f16, halves));
      halves[at] = 0x7C00;
      EXPECT_FALSE(convert(DType::f16, halves)) << at << " of " << count;
    }
  }
}

TEST(ConvertToFloat, TellsWhetherAllAreFiniteOfEachType) {
  constexpr float kLargest = std::numeric_limits<float>::max();
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(convert<float>(DType::f32, {kLargest, -kLargest}));
  EXPECT_FALSE(convert<float>(DType::f32, {1, kNaN}));
  EXPECT_TRUE(convert<double>(DType::f64, {kLargest, -kLargest}));
  EXPECT_FALSE(convert<double>(DType::f64, {1e39}));
  EXPECT_TRUE(convert<std::uint16_t>(DType::bf16, {0xFF7F}));
  EXPECT_FALSE(convert<std::uint16_t>(DType::bf16, {0x7F80}));
  EXPECT_TRUE(convert<std::uint8_t>(DType::f8_e4m3, {0x7E}));
  EXPECT_FALSE(convert<std::uint8_t>(DType::f8_e4m3, {0xFF}));
  EXPECT_TRUE(convert<std::uint8_t>(DType::f8_e5m2, {0xFB}));
  EXPECT_FALSE(convert<std::uint8_t>(DType::f8_e5m2, {0x7C}));
}

TEST(ConvertToFloat, TakesFloat64AndRefusesIntegers) {
  const std::vector<double> values = {1.5, -2.25};
  EXPECT_EQ(floats({DType::f64, {2}, std::as_bytes(std::span(values))}), (std::vector<float>{1.5F, -2.25F}));
  EXPECT_THROW(floats({DType::i64, {2}, std::as_bytes(std::span(values))}), Error);
}

}  // namespace
}  // namespace streamdiffusion
