#include "model/prompt/lora_tags.h"

#include <gtest/gtest.h>

#include "model/errors.h"

namespace streamdiffusion {
namespace {

using Loras = std::vector<LoraScale>;

TEST(LoraTags, AreTakenOutOfThePrompt) {
  const TaggedPrompt tagged = take_lora_tags("a <lora:style:0.8>cat<lora:sub/Detail v2:-1>, <lora:x>sitting");
  EXPECT_EQ(tagged.text, "a cat, sitting");
  EXPECT_EQ(tagged.loras, (Loras{{"style", 0.8F}, {"sub/Detail v2", -1.0F}, {"x", 1.0F}}));
}

TEST(LoraTags, LeaveOtherTextAlone) {
  for (const char* const prompt :
       {"", "a cat", "a <cat-toy>", "<lora>", "lora:x:1>", "<LORA:x:1>", "a < b > c"}) {
    const TaggedPrompt tagged = take_lora_tags(prompt);
    EXPECT_EQ(tagged.text, prompt);
    EXPECT_TRUE(tagged.loras.empty());
  }
}

TEST(LoraTags, RefusesWhatIsNoTag) {
  for (const char* const prompt : {"<lora:>", "<lora::1>", "<lora:x:>", "<lora:x:high>", "<lora:x:1:2>",
                                   "<lora:x:nan>", "<lora:x:inf>", "<lora:x:1e99>", "<lora:x:0.8 >"}) {
    expect_error([&] { take_lora_tags(prompt); }, {prompt, "<lora:NAME:SCALE>"});
  }
  expect_error([] { take_lora_tags("a cat <lora:x:1"); }, {"<lora:x:1", "\">\""});
}

}  // namespace
}  // namespace streamdiffusion
