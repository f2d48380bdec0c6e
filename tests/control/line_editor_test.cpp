#include "control/line_editor.h"

#include <gtest/gtest.h>

#include <vector>

namespace streamdiffusion {
namespace {

using Lines = std::vector<std::string>;

Lines fed(LineEditor& editor, std::string_view bytes) {
  Lines lines;
  editor.feed(bytes, [&](const std::string& line) { lines.push_back(line); });
  return lines;
}
Lines fed(std::string_view bytes) {
  LineEditor editor;
  return fed(editor, bytes);
}

TEST(LineEditor, GivesLinesAsTheyAreComplete) {
  LineEditor editor;
  EXPECT_EQ(fed(editor, "red ap"), Lines{});
  EXPECT_EQ(editor.text(), "red ap");
  EXPECT_EQ(fed(editor, "ple\ncat\nd"), (Lines{"red apple", "cat"}));
  EXPECT_EQ(editor.text(), "d");
  EXPECT_EQ(fed(editor, "og\r"), Lines{"dog"});
}

TEST(LineEditor, WhatStandsAtTheEndOfTheInputIsALineToo) {
  LineEditor editor;
  fed(editor, "cat");
  Lines lines;
  const auto on_line = [&](const std::string& line) { lines.push_back(line); };
  editor.end(on_line);
  editor.end(on_line);
  EXPECT_EQ(lines, Lines{"cat"});
}

TEST(LineEditor, BackspaceTakesOffWholeCharacters) {
  EXPECT_EQ(fed("cats\b\n"), Lines{"cat"});
  EXPECT_EQ(fed("grö\x7F\x7Fün\n"), Lines{"gün"});
  EXPECT_EQ(fed("🐧\x7F\x7F\x7F!\n"), Lines{"!"});
}

TEST(LineEditor, ControlKeysTakeOffWordsAndLines) {
  EXPECT_EQ(fed("red green  \x17"
                "apple\n"),
            Lines{"red apple"});
  EXPECT_EQ(fed("red apple\x15"
                "cat\n"),
            Lines{"cat"});
}

TEST(LineEditor, ArrowsAndOtherKeysLeaveNothingBehind) {
  EXPECT_EQ(fed("c\x1B[Aa\x1B[1;5Ct\x1BOP\x01\n"), Lines{"cat"});
  EXPECT_EQ(fed("\x1B[\ncat\n"), (Lines{"", "cat"}));
}

TEST(LineEditor, BoundsTheLengthOfALine) {
  const Lines lines = fed(std::string(1'000'000, 'a') + "\n");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_LT(lines[0].size(), 50'000U);
}

TEST(LineEditor, ShowsTheEndOfALongText) {
  EXPECT_EQ(last_columns("grün", 2), "ün");
  EXPECT_EQ(last_columns("grün", 9), "grün");
  EXPECT_EQ(last_columns("grün", 0), "");
  EXPECT_EQ(last_columns("\x80\x80", 1), "\x80\x80");
}

}  // namespace
}  // namespace streamdiffusion
