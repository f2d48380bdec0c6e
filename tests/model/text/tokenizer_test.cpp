#include "model/text/tokenizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "model/errors.h"
#include "model/files/text_file.h"
#include "model/temporary_folder.h"

namespace streamdiffusion {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;
using Ids = std::vector<std::int64_t>;

const fs::path kModels = fs::path(PROJECT_FOLDER) / "tests/conformance/cases/models";

/// A vocabulary of all bytes, inside words and at their ends, with a few merges.
struct SmallTokenizer {
  json vocab;
  std::string merges = "#version: 0.2\nc a\nca t</w>\n";
  json config = json::object();
  json special = json::object();

  SmallTokenizer() {
    std::vector<std::string> tokens;
    for (const std::string end : {"", "</w>"}) {
      for (char letter = '!'; letter <= '~'; ++letter) {
        tokens.push_back(letter + end);
      }
    }
    for (const char* const token : {"ca", "cat</w>", "<|startoftext|>", "<|endoftext|>"}) {
      tokens.emplace_back(token);
    }
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      vocab[tokens[i]] = i;
    }
  }
  Tokenizer parse() const {
    return Tokenizer::parse(vocab.dump(), merges, config.dump(), special.dump(), "folder");
  }
  [[nodiscard]] std::int64_t id(const std::string& token) const {
    return vocab.at(token).get<std::int64_t>();
  }
};

Ids without_padding(const Ids& ids, std::int64_t end) {
  const auto last = std::find(ids.rbegin(), ids.rend(), end);
  return {ids.begin(), last.base()};
}

TEST(Tokenizer, GivesTheIdsOfTransformers) {
  const Tokenizer tokenizer = Tokenizer::open(kModels / "clip-vocabulary/tokenizer");
  EXPECT_EQ(tokenizer.tokens_per_prompt(), 77);
  EXPECT_EQ(tokenizer.vocabulary_size(), 49408);
  const json texts =
      json::parse(read_text_file(fs::path(PROJECT_FOLDER) / "tests/model/text/tokenizer_texts.json"));
  ASSERT_GT(texts.size(), 100U);
  for (const json& row : texts) {
    const Tokenizer::Encoding encoding = tokenizer.encode(row[0].get<std::string>());
    const Ids expected = row[1].get<Ids>();
    ASSERT_EQ(encoding.ids.size(), 77U);
    if (expected.size() <= 77) {  // compared with padding by the end token
      Ids padded = expected;
      padded.resize(77, 49407);
      EXPECT_EQ(encoding.ids, padded) << row[0];
      EXPECT_FALSE(encoding.cut) << row[0];
    } else {
      EXPECT_TRUE(encoding.cut) << row[0];
    }
  }
}

TEST(Tokenizer, ReadsTokenizerJsonInPlaceOfVocabularyAndMerges) {
  const TemporaryFolder folder;
  const SmallTokenizer small;
  json all = json::parse(R"({"model":{"type":"BPE","end_of_word_suffix":"</w>","continuing_subword_prefix":"",
      "merges":["c a",["ca","t</w>"]]},"added_tokens":[{"content":"<|endoftext|>","normalized":false}]})");
  all["model"]["vocab"] = small.vocab;
  folder.write("tokenizer.json", all.dump());
  EXPECT_EQ(Tokenizer::open(folder.path()).encode("a cat").ids, small.parse().encode("a cat").ids);
  all["model"]["end_of_word_suffix"] = nullptr;
  folder.write("tokenizer.json", all.dump());
  expect_error([&] { Tokenizer::open(folder.path()); }, {"tokenizer.json", "end_of_word_suffix"});
}

TEST(Tokenizer, PadsWithTheTokenThatTheFolderNames) {
  SmallTokenizer small;
  small.config["model_max_length"] = 5;
  EXPECT_EQ(small.parse().encode("cat").ids.back(), small.id("<|endoftext|>"));
  small.special["pad_token"] = "!";
  const Ids expected = {small.id("<|startoftext|>"), small.id("cat</w>"), small.id("<|endoftext|>"),
                        small.id("!"), small.id("!")};
  EXPECT_EQ(small.parse().encode("cat").ids, expected);
  // A special token is found inside words too.
  EXPECT_EQ(without_padding(small.parse().encode("a!b").ids, small.id("<|endoftext|>"))[2], small.id("!"));
}

TEST(Tokenizer, SaysWhatWasCutOff) {
  SmallTokenizer small;
  small.config["model_max_length"] = 5;
  const Tokenizer tokenizer = small.parse();
  EXPECT_FALSE(tokenizer.encode("cat cat cat ").cut);
  EXPECT_EQ(tokenizer.encode("cat cat Cat  The cat").cut, "The cat");
  EXPECT_EQ(tokenizer.encode("cat cat xYZ").cut, "YZ");
  EXPECT_EQ(tokenizer.encode("cat cat cat cat").ids.back(), small.id("<|endoftext|>"));
}

TEST(Tokenizer, SeeksNormalisedSpecialTokensInAnyCase) {
  SmallTokenizer small;
  EXPECT_NE(small.parse().encode("<|EndOfText|>").ids[1], small.id("<|endoftext|>"));
  const std::string number = std::to_string(small.id("<|endoftext|>"));
  small.config["added_tokens_decoder"][number] = {{"content", "<|endoftext|>"}, {"normalized", true}};
  EXPECT_EQ(small.parse().encode("<|EndOfText|>").ids[1], small.id("<|endoftext|>"));
}

/// Returns ids of the words `<toy>` and `<toy>_1`, added to a vocabulary of `size` tokens.
json added_words(std::size_t size) { return {{"<toy>", size}, {"<toy>_1", size + 1}}; }

TEST(Tokenizer, KnowsWordsThatWereAddedToTheVocabulary) {
  const SmallTokenizer small;
  const auto size = static_cast<std::int64_t>(small.vocab.size());
  const Ids expected = {small.id("<|startoftext|>"), small.id("a</w>"),        size, size + 1,
                        small.id("cat</w>"),         small.id("<|endoftext|>")};
  const json words = added_words(small.vocab.size());
  const auto expect_words = [&](const Tokenizer& tokenizer) {
    EXPECT_EQ(tokenizer.vocabulary_size(), size + 2);
    Ids ids = tokenizer.encode("a <toy> cat").ids;
    ids.resize(expected.size());  // drops the padding
    EXPECT_EQ(ids, expected);
  };

  const TemporaryFolder beside;  // files as transformers 4.0 to 4.33 saves them
  beside.write("vocab.json", small.vocab.dump());
  beside.write("merges.txt", small.merges);
  beside.write("added_tokens.json", words.dump());
  beside.write("special_tokens_map.json", R"({"pad_token":"<|endoftext|>"})");
  expect_words(Tokenizer::open(beside.path()));

  SmallTokenizer listed;  // files as transformers 4.34 and later saves them
  for (const auto& [word, id] : words.items()) {
    listed.config["added_tokens_decoder"][id.dump()] = {
        {"content", word}, {"normalized", true}, {"single_word", false}, {"special", false}};
  }
  expect_words(listed.parse());

  json all = {{"model",
               {{"type", "BPE"},
                {"end_of_word_suffix", "</w>"},
                {"continuing_subword_prefix", ""},
                {"merges", {"c a", "ca t</w>"}},
                {"vocab", small.vocab}}}};
  for (const auto& [word, id] : words.items()) {
    all["added_tokens"].push_back({{"id", id}, {"content", word}, {"normalized", true}});
  }
  const TemporaryFolder whole;  // files as transformers 5 saves them
  whole.write("tokenizer.json", all.dump());
  expect_words(Tokenizer::open(whole.path()));
  whole.write("vocab.json", small.vocab.dump());  // an older file that lacks the added words
  whole.write("merges.txt", small.merges);
  expect_words(Tokenizer::open(whole.path()));
}

TEST(Tokenizer, AnAddedWordCanBeASpecialToken) {
  const TemporaryFolder folder;
  const SmallTokenizer small;
  folder.write("vocab.json", small.vocab.dump());
  folder.write("merges.txt", small.merges);
  folder.write("added_tokens.json", json({{"[PAD]", small.vocab.size()}}).dump());
  folder.write("special_tokens_map.json", R"({"pad_token":"[PAD]"})");
  EXPECT_EQ(Tokenizer::open(folder.path()).encode("cat").ids.back(), std::ssize(small.vocab));
}

TEST(Tokenizer, RefusesAddedWordsWhoseNumbersAreTaken) {
  SmallTokenizer small;
  small.config["added_tokens_decoder"]["0"] = {{"content", "<toy>"}};
  expect_error([&] { small.parse(); }, {"id 0", "<toy>", "two tokens"});
  small.config["added_tokens_decoder"] = {{"1000", {{"content", "<toy>"}}},
                                          {"01000", {{"content", "<cat>"}}}};
  expect_error([&] { small.parse(); }, {"id 1000", "two tokens"});
  small.config["added_tokens_decoder"] = {{"99999999999", {{"content", "<toy>"}}}};
  expect_error([&] { small.parse(); }, {"99999999999", "16777215"});
  small.config["added_tokens_decoder"] = {{"-1", {{"content", "<toy>"}}}};
  expect_error([&] { small.parse(); }, {"-1"});
}

TEST(Tokenizer, OfARepeatedTokenTheLastNumberCounts) {
  const SmallTokenizer small;
  std::string vocab = small.vocab.dump();
  vocab.insert(1, R"("<|startoftext|>":7777,)");
  const Tokenizer tokenizer = Tokenizer::parse(vocab, small.merges, "", "", "folder");
  EXPECT_EQ(tokenizer.encode("cat").ids, small.parse().encode("cat").ids);
}

TEST(Tokenizer, TakesTheTextEncodersLengthWhereTheFolderSetsNone) {
  const TemporaryFolder folder;
  const SmallTokenizer small;
  folder.write("vocab.json", small.vocab.dump());
  folder.write("merges.txt", small.merges);
  EXPECT_EQ(Tokenizer::open(folder.path()).tokens_per_prompt(), 77);
  folder.write("tokenizer_config.json", R"({"model_max_length":1000000000000000019884624838656})");
  EXPECT_EQ(Tokenizer::open(folder.path(), 24).tokens_per_prompt(), 24);
  folder.write("tokenizer_config.json", R"({"model_max_length":12})");
  EXPECT_EQ(Tokenizer::open(folder.path(), 24).tokens_per_prompt(), 12);
}

TEST(Tokenizer, RefusesTextThatIsNotUtf8) {
  const Tokenizer tokenizer = SmallTokenizer().parse();
  for (const std::string text :
       {"a\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "abc\xe2\x82", "\x80"}) {
    expect_error([&] { static_cast<void>(tokenizer.encode(text)); }, {"UTF-8"});
  }
}

TEST(Tokenizer, EncodesALongWordInGoodTime) {
  EXPECT_EQ(SmallTokenizer().parse().encode(std::string(200'000, 'c')).ids.size(), 77U);
}

TEST(Tokenizer, RefusesFilesThatDisagree) {
  const auto expect = [](const SmallTokenizer& small, const std::vector<std::string>& parts) {
    expect_error([&] { small.parse(); }, parts);
  };
  SmallTokenizer small;
  small.merges += "x y\n";
  expect(small, {"merge 3", "\"xy\"", "different models"});
  small = {};
  small.vocab.erase("<|startoftext|>");
  expect(small, {"<|startoftext|>", "not in the vocabulary"});
  small = {};
  small.config["pad_token"] = "[PAD]";
  expect(small, {"[PAD]", "not in the vocabulary"});
  small = {};
  small.config["added_tokens_decoder"]["9"] = {{"content", "<|endoftext|>"}};
  expect(small, {"<|endoftext|>", "id 9", "different models"});
  small = {};
  small.vocab["a"] = small.vocab["b"];
  expect(small, {"vocab.json", "two tokens"});
  for (const json& id : {json(-1), json(1 << 24), json("1"), json(1.5), json(1e30), json()}) {
    small = {};
    small.vocab["a"] = id;
    expect(small, {"vocab.json", "\"a\"", id.dump()});
  }
}

TEST(Tokenizer, RefusesMalformedFiles) {
  const SmallTokenizer small;
  const std::string vocab = small.vocab.dump();
  expect_error([&] { Tokenizer::parse("{", small.merges, "", "", "folder"); },
               {"folder (vocab.json)", "JSON"});
  expect_error([&] { Tokenizer::parse("[]", small.merges, "", "", "folder"); }, {"vocab.json"});
  expect_error([&] { Tokenizer::parse("{}", small.merges, "", "", "folder"); }, {"vocab.json"});
  for (const std::string line : {"a", "a b c", " a", "a ", "a  b"}) {
    expect_error([&] { Tokenizer::parse(vocab, "c a\n" + line, "", "", "folder"); },
                 {"merges.txt", "line 2"});
  }
  expect_error([&] { Tokenizer::parse(vocab, "a \xaf\n", "", "", "folder"); },
               {"merge 1", "different models"});
  for (const std::string config :
       {"{", R"({"tokenizer_class":"T5Tokenizer"})", R"({"padding_side":"left"})",
        R"({"model_max_length":1})", R"({"model_max_length":"77"})", R"({"bos_token":7})",
        R"({"eos_token":{"content":"x","lstrip":true}})", R"({"added_tokens_decoder":[]})",
        R"({"added_tokens_decoder":{"1":{}}})", R"({"pad_token":""})"}) {
    SCOPED_TRACE(config);
    expect_error([&] { Tokenizer::parse(vocab, small.merges, config, "", "folder"); }, {"folder"});
  }
}

TEST(Tokenizer, NamesTheFolderThatHasNone) {
  const TemporaryFolder folder;
  expect_error([&] { Tokenizer::open(folder.path()); },
               {folder.path().string(), "vocab.json", "tokenizer.json"});
}

}  // namespace
}  // namespace streamdiffusion
