#include "server/images_form.h"

#include <gtest/gtest.h>

#include "server/images_request.h"

namespace streamdiffusion::server {
namespace {

using Json = nlohmann::json;
using File = std::vector<std::uint8_t>;

constexpr const char* kFormType = "multipart/form-data; boundary=b";

std::string part(const std::string& name, const std::string& content, bool is_file = false) {
  return "--b\r\nContent-Disposition: form-data; name=\"" + name + (is_file ? "\"; filename=\"x\"" : "\"") +
         "\r\n\r\n" + content + "\r\n";
}

ImagesForm form(const std::string& parts) { return read_images_form(kFormType, parts + "--b--\r\n"); }

std::string param_of(const std::string& type, const std::string& body) {
  try {
    read_images_form(type, body);
  } catch (const RefusedRequest& refused) {
    EXPECT_EQ(refused.status(), Status::bad_request);
    return refused.param();
  }
  return "nothing";
}

TEST(ImagesForm, FieldsOfAFormAreTextsNumbersListsAndObjects) {
  const ImagesForm read = form(part("image", "png", true) + part("prompt", "42") + part("n", "2") +
                               part("stream", "true") + part("size", "64x64") + part("t_index_list[]", "3") +
                               part("t_index_list[]", "20") + part("loras[style]", "0.5"));
  EXPECT_EQ(read.images, (std::vector<File>{{'p', 'n', 'g'}}));
  EXPECT_EQ(read.fields, Json::parse(R"({"prompt": "42", "n": 2, "stream": true, "size": "64x64",
                                         "t_index_list": [3, 20], "loras": {"style": 0.5}})"));
}

TEST(ImagesForm, TakesSeveralImages) {
  const ImagesForm read =
      form(part("image[]", "a", true) + part("prompt", "cat") + part("image[]", "b", true));
  EXPECT_EQ(read.images, (std::vector<File>{{'a'}, {'b'}}));
}

TEST(ImagesForm, TakesDataUrlsInJson) {
  const ImagesForm read =
      read_images_form("application/json",
                       R"({"prompt": "cat", "images": [{"image_url": "data:image/png;base64,cG5n"},
                                      {"image_url": "data:image/png;base64,cA=="}]})");
  EXPECT_EQ(read.images, (std::vector<File>{{'p', 'n', 'g'}, {'p'}}));
  EXPECT_EQ(read.fields, Json({{"prompt", "cat"}}));
}

TEST(ImagesForm, TakesAMask) {
  EXPECT_EQ(form(part("image", "a", true) + part("mask", "m", true)).mask, File{'m'});
  const ImagesForm read =
      read_images_form("application/json", R"({"images": [{"image_url": "data:image/png;base64,cG5n"}],
                                               "mask": {"image_url": "data:image/png;base64,cA=="}})");
  EXPECT_EQ(read.mask, File{'p'});
  EXPECT_EQ(read.fields, Json::object());
}

TEST(ImagesForm, NamesWhatIsWrong) {
  EXPECT_EQ(param_of(kFormType, part("prompt", "cat") + "--b--"), "image");
  EXPECT_EQ(param_of(kFormType, part("image", "text") + "--b--"), "image");
  EXPECT_EQ(param_of(kFormType, part("image", "a", true) + part("prompt", "cat", true) + "--b--"), "prompt");
  EXPECT_EQ(param_of(kFormType, part("image", "a", true) + part("mask", "m") + "--b--"), "mask");
  EXPECT_EQ(param_of(kFormType, part("image", "a", true) + part("mask", "", true) + "--b--"), "mask");
  EXPECT_EQ(param_of(kFormType,
                     part("image", "a", true) + part("mask", "m", true) + part("mask", "m", true) + "--b--"),
            "mask");
  EXPECT_EQ(param_of(kFormType, part("image", "a", true) + part("n", "1") + part("n", "2") + "--b--"), "n");
  EXPECT_EQ(param_of(kFormType, part("image", "a", true) + part("n", "1") + part("n[]", "2") + "--b--"), "n");
  EXPECT_EQ(param_of(kFormType, part("image", "a", true) + part("n[]", "1") + part("n[a]", "2") + "--b--"),
            "a");
  EXPECT_EQ(param_of(kFormType, "no form"), "");
  EXPECT_EQ(param_of("application/json", "[]"), "");
  EXPECT_EQ(param_of("application/json", R"({"prompt": "cat"})"), "images");
  EXPECT_EQ(param_of("application/json", R"({"images": [{"image_url": "https://elsewhere/x.png"}]})"),
            "images");
  EXPECT_EQ(param_of("application/json", R"({"images": [{"file_id": "file-1"}]})"), "images");
  EXPECT_EQ(param_of("application/json", R"({"images": [{"image_url": "data:;base64,%%%"}]})"), "images");
  EXPECT_EQ(param_of("application/json", R"({"images": [], "mask": {"image_url": "data:"}})"), "mask");
  EXPECT_EQ(param_of("application/json", R"({"images": [], "mask": {"image_url": "data:;base64,"}})"),
            "mask");
}

TEST(ImagesForm, SaysHowFilesAreNamed) {
  try {
    form(part("file", "a", true));
    ADD_FAILURE() << "taken";
  } catch (const RefusedRequest& refused) {
    EXPECT_EQ(std::string(refused.what()),
              "'file' must not be a file; files are named image, or several image[], and mask");
  }
}

}  // namespace
}  // namespace streamdiffusion::server
