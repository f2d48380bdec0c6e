#include "server/multipart.h"

#include <gtest/gtest.h>

namespace streamdiffusion::server {
namespace {

constexpr const char* kType = "multipart/form-data; boundary=xyz";

std::string multipart_error_of(const std::string& body, const char* type = kType) {
  try {
    parse_multipart(type, body);
  } catch (const MultipartError& error) {
    return error.what();
  }
  return "";
}

TEST(Multipart, GivesFieldsAndFilesInOrder) {
  const std::string body =
      "--xyz\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\nred\r\napple\r\n"
      "--xyz \r\ncontent-type: image/png\r\ncontent-disposition: form-data; filename=\"a;\\\"b.png\"; "
      "name=image[]\r\n\r\n\r\n--xy\r\n--xyz--\r\nafterwards";
  const std::vector<FormPart> parts = parse_multipart(kType, body);
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0].name, "prompt");
  EXPECT_FALSE(parts[0].is_file);
  EXPECT_EQ(parts[0].content, "red\r\napple");
  EXPECT_EQ(parts[1].name, "image[]");
  EXPECT_TRUE(parts[1].is_file);
  EXPECT_EQ(parts[1].content, "\r\n--xy");
}

TEST(Multipart, TakesQuotedBoundariesAPreambleAndNoFields) {
  EXPECT_TRUE(
      parse_multipart("Multipart/Form-Data; charset=utf-8; boundary=\"a b\"", "hello\r\n--a b--").empty());
  EXPECT_TRUE(parse_multipart(kType, "--xyz--").empty());
}

TEST(Multipart, KnowsItsType) {
  EXPECT_TRUE(is_multipart(kType));
  EXPECT_TRUE(is_multipart("MULTIPART/form-data"));
  EXPECT_FALSE(is_multipart("multipart/form-data-else"));
  EXPECT_FALSE(is_multipart("application/json"));
}

TEST(Multipart, SaysWhatIsWrong) {
  const std::string begin = "--xyz\r\nContent-Disposition: form-data; name=\"a\"";
  EXPECT_NE(multipart_error_of("", "multipart/form-data").find("boundary"), std::string::npos);
  EXPECT_NE(multipart_error_of("", ("multipart/form-data; boundary=" + std::string(71, 'x')).c_str())
                .find("boundary"),
            std::string::npos);
  EXPECT_NE(multipart_error_of("").find("boundary"), std::string::npos);
  EXPECT_NE(multipart_error_of("--xyz").find("ends in the line"), std::string::npos);
  EXPECT_NE(multipart_error_of("--xyz!\r\n").find("further characters"), std::string::npos);
  EXPECT_NE(multipart_error_of(begin + "\r\n").find("do not end"), std::string::npos);
  EXPECT_NE(multipart_error_of(begin + "\r\n\r\nvalue").find("middle of a part"), std::string::npos);
  EXPECT_NE(multipart_error_of("--xyz\r\n\r\nvalue\r\n--xyz--").find("with a name"), std::string::npos);
  EXPECT_NE(multipart_error_of("--xyz\r\nContent-Disposition: form-data; name=\"a\r\n\r\n\r\n--xyz--")
                .find("not closed"),
            std::string::npos);
  EXPECT_NE(multipart_error_of(begin + "\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ==\r\n--xyz--")
                .find("Encoding"),
            std::string::npos);
  EXPECT_NE(
      multipart_error_of(begin + "\r\nX: " + std::string(9000, 'x') + "\r\n\r\n\r\n--xyz--").find("8 KiB"),
      std::string::npos);
  std::string many;
  for (int i = 0; i < 300; ++i) {
    many += begin + "\r\n\r\n\r\n";
  }
  EXPECT_NE(multipart_error_of(many + "--xyz--").find("parts"), std::string::npos);
}

}  // namespace
}  // namespace streamdiffusion::server
