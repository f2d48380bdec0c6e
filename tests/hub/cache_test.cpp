#include "hub/cache.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "hub/checksum.h"
#include "model/temporary_folder.h"
#include "posix/file_lock.h"
#include "posix/growing_file.h"
#include "streamdiffusion/hub.h"

namespace streamdiffusion::hub {
namespace {

namespace fs = std::filesystem;

const std::string kCommit(40, 'c');
const std::string kHash(40, 'a');

/// Has a temporary folder that is removed after the test.
class Cache : public testing::Test {
 public:
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

 protected:
  Cache() : folder_(fs::temp_directory_path() / ("streamdiffusion-hub-test-" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
  }
  ~Cache() override { fs::remove_all(folder_); }

  fs::path folder_;
  Repository repository_{.owner = "someone", .name = "model", .file = {}};
};

std::span<const std::byte> bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

TEST_F(Cache, LinksLeadToBlobsFromAnyDepth) {
  const RepositoryCache cache(folder_, repository_);
  cache.make_folders();
  posix::GrowingFile(cache.blob(kHash)).append(bytes("hello"));
  for (const std::string path : {"a.json", "unet/a.json", "x/y/z.json"}) {
    EXPECT_FALSE(cache.has_file(kCommit, path));
    cache.link_file(kCommit, path, kHash);
    cache.link_file(kCommit, path, kHash);  // replaces the first link
    EXPECT_TRUE(cache.has_file(kCommit, path));
    EXPECT_TRUE(fs::read_symlink(cache.snapshot(kCommit) / path).is_relative());
  }
  EXPECT_EQ(fs::read_symlink(cache.snapshot(kCommit) / "unet/a.json"), "../../../blobs/" + kHash);
}

TEST_F(Cache, RemembersTheCommitOfARevision) {
  for (const std::string revision : {"main", "refs/pr/1"}) {
    repository_.revision = revision;
    const RepositoryCache cache(folder_, repository_);
    EXPECT_FALSE(cache.read_commit());
    cache.write_commit(kCommit);
    EXPECT_EQ(cache.read_commit(), kCommit);
  }
  std::ofstream(folder_ / "models--someone--model/refs/main") << "../../../etc";
  repository_.revision = "main";
  EXPECT_FALSE(RepositoryCache(folder_, repository_).read_commit());
  repository_.revision = kCommit;
  EXPECT_EQ(RepositoryCache(folder_, repository_).read_commit(), kCommit);
}

TEST_F(Cache, FoldersAreNamedAsPythonDoes) {
  EXPECT_EQ(cache_folder_name(repository_), "models--someone--model");
  EXPECT_EQ(repository_of_folder("models--someone--model")->id(), "someone/model");
  for (const char* name : {"datasets--a--b", "models--a", ".locks", "models----", "models--a--..", ""}) {
    EXPECT_FALSE(repository_of_folder(name)) << name;
  }
}

TEST_F(Cache, OneHoldsALockAtATime) {
  auto held = posix::FileLock::try_lock(folder_ / "lock");
  ASSERT_TRUE(held);
  EXPECT_FALSE(posix::FileLock::try_lock(folder_ / "lock"));
  held.reset();
  EXPECT_TRUE(posix::FileLock::try_lock(folder_ / "lock"));
  EXPECT_THROW(posix::FileLock::try_lock(folder_ / "nowhere" / "lock"), Error);
}

TEST_F(Cache, AFileGrowsWhereItHasEnded) {
  const fs::path file = folder_ / "file";
  posix::GrowingFile(file).append(bytes("abc"));
  posix::GrowingFile again(file);
  EXPECT_EQ(again.size(), 3);
  again.append(bytes("def"));
  std::string text;
  again.read_all([&](std::span<const std::byte> piece) {
    text.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  });
  EXPECT_EQ(text, "abcdef");
  again.clear();
  EXPECT_EQ(fs::file_size(file), 0U);
  EXPECT_THROW(posix::GrowingFile(folder_ / "nowhere" / "file"), Error);
  EXPECT_THROW(posix::GrowingFile{folder_}, Error);
}

TEST_F(Cache, AFullDiskIsExplained) {
  posix::GrowingFile full("/dev/full");
  try {
    full.append(bytes("abc"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("HF_HUB_CACHE"), std::string::npos);
  }
}

TEST(Checksum, IsThatOfTheHub) {
  Checksum sha256(64, 5);
  sha256.add(bytes("hel"));
  sha256.add(bytes("lo"));
  EXPECT_EQ(sha256.finish(), "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
  Checksum git(40, 5);
  git.add(bytes("hello"));
  EXPECT_EQ(git.finish(), "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0");
}

/// Clears the environment variables that the hub reads.
class Environment : public testing::Test {
 protected:
  Environment() {
    for (const char* name : {"HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME", "HF_TOKEN",
                             "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HF_ENDPOINT", "HF_HUB_OFFLINE",
                             "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_IMPLICIT_TOKEN"}) {
      ::unsetenv(name);
    }
    ::setenv("HOME", "/nowhere", 1);
  }
};

TEST_F(Environment, IsReadAsPythonDoes) {
  HubOptions options = HubOptions::from_environment();
  EXPECT_EQ(options.endpoint, "https://huggingface.co");
  EXPECT_EQ(options.cache, "/nowhere/.cache/huggingface/hub");
  EXPECT_EQ(options.token, "");
  EXPECT_FALSE(options.offline);
  ::setenv("XDG_CACHE_HOME", "/xdg", 1);
  EXPECT_EQ(HubOptions::from_environment().cache, "/xdg/huggingface/hub");
  ::setenv("HF_HOME", "~/hf", 1);
  EXPECT_EQ(HubOptions::from_environment().cache, "/nowhere/hf/hub");
  ::setenv("HF_HOME", "$HOME/models/${WHICH}", 1);
  ::setenv("WHICH", "hf", 1);
  EXPECT_EQ(HubOptions::from_environment().cache, "/nowhere/models/hf/hub");
  ::setenv("HF_HUB_CACHE", "/cache/$WHICH", 1);
  EXPECT_EQ(HubOptions::from_environment().cache, "/cache/hf");
  ::setenv("HF_HUB_CACHE", "/cache", 1);
  ::setenv("HF_ENDPOINT", "http://localhost:8080/", 1);
  ::setenv("HF_TOKEN", " hf_x\r\n", 1);
  ::setenv("HF_HUB_OFFLINE", "yes", 1);
  options = HubOptions::from_environment();
  EXPECT_EQ(options.cache, "/cache");
  EXPECT_EQ(options.endpoint, "http://localhost:8080");
  EXPECT_EQ(options.token, "hf_x");
  EXPECT_TRUE(options.offline);
  ::setenv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1", 1);
  EXPECT_EQ(HubOptions::from_environment().token, "");
}

TEST_F(Environment, PathsOfXdgAndTheTokenAreExpanded) {
  const TemporaryFolder folder;
  folder.write("token", "hf_y\n");
  ::setenv("FOLDER", folder.path().c_str(), 1);
  ::setenv("XDG_CACHE_HOME", "$FOLDER", 1);
  ::setenv("HF_TOKEN_PATH", "${FOLDER}/token", 1);
  const HubOptions options = HubOptions::from_environment();
  EXPECT_EQ(options.cache, folder.path() / "huggingface/hub");
  EXPECT_EQ(options.token, "hf_y");
}

}  // namespace
}  // namespace streamdiffusion::hub
