#include "control/watched_file.h"

#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

using namespace std::chrono_literals;

class WatchedFileTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& text) {
    std::ofstream(file_, std::ios::binary) << text;
    // Each write gets a later time, because two writes may lie within the file system's resolution.
    std::filesystem::last_write_time(file_, std::filesystem::file_time_type::clock::now() + ++writes_ * 1s);
  }
  /// Polls the file some time after the last write and returns the result as text.
  std::string found(WatchedFile& file) {
    now_ += 10ms;
    std::optional<nlohmann::json> json = file.poll(now_);
    now_ += 1s;
    if (!json) json = file.poll(now_);
    return json ? json->dump() : "";
  }

  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("watched-" + std::to_string(std::random_device{}()));
  std::filesystem::path file_ = folder_ / "settings.json";
  WatchedFile::Clock::time_point now_ = WatchedFile::Clock::now();
  int writes_ = 0;
};

TEST_F(WatchedFileTest, GivesWhatIsThereAtOnceAndEachChangeOnce) {
  write(R"({"steps":2})");
  WatchedFile file(file_);
  EXPECT_EQ(file.poll(now_).value().dump(), R"({"steps":2})");
  EXPECT_EQ(found(file), "");
  write(R"({"steps":3})");
  EXPECT_EQ(found(file), R"({"steps":3})");
  EXPECT_EQ(found(file), "");
}

TEST_F(WatchedFileTest, AFileMayBeMissingAndComeLater) {
  WatchedFile file(file_);
  EXPECT_EQ(found(file), "");
  write("{}");
  EXPECT_EQ(found(file), "{}");
  std::filesystem::remove(file_);
  EXPECT_EQ(found(file), "");
  write(R"({"seed":1})");
  EXPECT_EQ(found(file), R"({"seed":1})");
}

TEST_F(WatchedFileTest, WaitsWhileTheFileIsWritten) {
  WatchedFile file(file_);
  for (int i = 0; i < 5; ++i) {
    write(R"({"prompt": "a c)" + std::string(static_cast<std::size_t>(i), 'a'));
    now_ += 50ms;
    EXPECT_EQ(file.poll(now_), std::nullopt);
  }
  write(R"({"prompt": "a cat"})");
  EXPECT_EQ(found(file), R"({"prompt":"a cat"})");
}

TEST_F(WatchedFileTest, WhatIsNoJsonIsSaidOnce) {
  WatchedFile file(file_);
  for (const char* text : {"{\"prompt\": \"a c", "", "{\"prompt\": \"caf\xE9\"}"}) {
    write(text);
    try {
      found(file);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("settings.json is no JSON"), std::string::npos)
          << error.what();
    }
    EXPECT_EQ(found(file), "");
  }
  write("{}");
  EXPECT_EQ(found(file), "{}");
}

TEST_F(WatchedFileTest, RefusesLargeFiles) {
  WatchedFile file(file_);
  write(std::string((1U << 20U) + 1, ' '));
  EXPECT_THROW(found(file), Error);
}

TEST_F(WatchedFileTest, AFolderIsNoFile) {
  std::filesystem::create_directories(file_);
  WatchedFile file(file_);
  EXPECT_EQ(found(file), "");
}

}  // namespace
}  // namespace streamdiffusion
