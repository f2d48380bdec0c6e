#include "server/protocol.h"

#include <gtest/gtest.h>

namespace streamdiffusion::server {
namespace {

using Bytes = std::vector<std::uint8_t>;

// A frame header as in docs/server.md: number 0x01020304, variation 0x0506, time 1.5.
const Bytes kHeader = {1, 0, 6, 5, 4, 3, 2, 1, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f};

std::string code_of(std::string_view text) {
  try {
    parse_message(text);
  } catch (const ProtocolError& error) {
    return error.code();
  }
  return "";
}

TEST(Protocol, ReadsAFramesHeader) {
  Bytes message = kHeader;
  message.push_back(0xff);
  const FrameTag tag = parse_frame_header(message);
  EXPECT_EQ(tag.number, 0x01020304U);
  EXPECT_EQ(tag.variation, 0x0506);
  EXPECT_EQ(tag.time, 1.5);
}

TEST(Protocol, RefusesShortAndForeignBinaryMessages) {
  EXPECT_THROW(parse_frame_header({}), ProtocolError);
  EXPECT_THROW(parse_frame_header(std::span(kHeader).first(15)), ProtocolError);
  Bytes foreign = kHeader;
  foreign[0] = 2;
  EXPECT_THROW(parse_frame_header(foreign), ProtocolError);
  foreign = kHeader;
  foreign[1] = 1;
  EXPECT_THROW(parse_frame_header(foreign), ProtocolError);
}

TEST(Protocol, AnswersWithTheFramesOwnNumberTimeAndVariation) {
  const Bytes image = {7, 8, 9};
  const Bytes answer = make_answer(FrameState::skipped, parse_frame_header(kHeader), 0x0a0b0c0d, 3, image);
  ASSERT_EQ(answer.size(), kAnswerHeaderSize + 3);
  EXPECT_EQ(answer[1], 1);
  EXPECT_TRUE(std::equal(answer.begin() + 2, answer.begin() + 16, kHeader.begin() + 2));
  EXPECT_EQ(Bytes(answer.begin() + 16, answer.end()), (Bytes{0x0d, 0x0c, 0x0b, 0x0a, 3, 0, 0, 0, 7, 8, 9}));
}

TEST(Protocol, ReadsChangesWithTheirIds) {
  const ClientMessage settings = parse_message(R"({"type": "settings", "id": 7, "settings": {"steps": 2}})");
  EXPECT_EQ(settings.type, ClientMessage::Type::settings);
  EXPECT_EQ(settings.id, 7);
  EXPECT_EQ(settings.fields, nlohmann::json({{"steps", 2}}));
  const ClientMessage stream = parse_message(R"({"type": "stream", "stream": {}})");
  EXPECT_EQ(stream.type, ClientMessage::Type::stream);
  EXPECT_TRUE(stream.id.is_null());
}

TEST(Protocol, RefusesWhatIsNoMessage) {
  EXPECT_EQ(code_of(""), "message");
  EXPECT_EQ(code_of("{"), "message");
  EXPECT_EQ(code_of("[]"), "message");
  EXPECT_EQ(code_of("{}"), "message");
  EXPECT_EQ(code_of(R"({"type": 3})"), "message");
  EXPECT_EQ(code_of(R"({"type": "stop"})"), "message");
  EXPECT_EQ(code_of(R"({"type": "settings", "id": {}})"), "message");
  EXPECT_EQ(code_of("{\"type\": \"settings\", \"settings\": {\"prompt\": \"\xff\"}}"), "message");
  EXPECT_EQ(code_of(std::string(100000, '[')), "message");
  EXPECT_EQ(code_of(R"({"type": "settings"})"), "");
}

TEST(Protocol, NamesFieldAndIdInErrors) {
  const auto error = nlohmann::json::parse(make_error("invalid", "too large", "a", "steps"));
  EXPECT_EQ(error, nlohmann::json({{"type", "error"},
                                   {"code", "invalid"},
                                   {"message", "too large"},
                                   {"id", "a"},
                                   {"field", "steps"}}));
  EXPECT_FALSE(nlohmann::json::parse(make_error("image", "none")).contains("field"));
}

TEST(Protocol, SendsValidTextWhateverAMessageQuotes) {
  EXPECT_TRUE(nlohmann::json::accept(make_error("model", "no file \xff\xfe")));
}

}  // namespace
}  // namespace streamdiffusion::server
