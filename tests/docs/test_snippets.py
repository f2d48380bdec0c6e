"""Tests that the C++ and C code on the pages for users of the library compiles.

The blocks of a page form one function, from top to bottom. Their #include lines come first. A block that defines a function at the
beginning of a line (`int main(` or `static ...(...) {`) stays outside of that function."""

import os
import re
import subprocess
import unittest
from pathlib import Path

PROJECT = Path(os.environ["STREAMDIFFUSION_PROJECT"])
PAGES = ["README.md", "docs/library.md"]
COMPILERS = {
    "cpp": [os.environ["STREAMDIFFUSION_CXX"], "-std=c++20", "-x", "c++"],
    "c": [os.environ["STREAMDIFFUSION_CC"], "-std=c99", "-x", "c"],
}
# In a namespace, main needs a return statement. Pages need not use all that they define.
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wno-return-type", "-Wno-unused"]
DEFINITION = re.compile(r"^(int main\(|static [^=;]*\{$)", re.MULTILINE)


def blocks(text, language):
    """Returns the fenced blocks of a language with the number of each one's first line."""
    fences = re.finditer(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [(text.count("\n", 0, fence.start(1)) + 1, fence[1]) for fence in fences]


def program(page, text, language):
    """Returns the blocks of a page as a source, whose errors have the page's line numbers."""
    includes, outside, inside = [], [], []
    for line, block in blocks(text, language):
        includes += re.findall(r"^#include.*$", block, re.MULTILINE)
        code = f'#line {line} "{page}"\n' + re.sub(r"^#include.*$", "", block, flags=re.MULTILINE)
        (outside if DEFINITION.search(block) else inside).append(code)
    name = re.sub(r"\W", "_", page)
    opening = f"namespace {name} {{\n" if language == "cpp" else ""
    body = f"void {name}_blocks(void);\nvoid {name}_blocks(void) {{\n{''.join(inside)}}}\n"
    return "\n".join(includes) + "\n", opening + "".join(outside) + body + ("}\n" if language == "cpp" else "")


def compile_pages(pages, language):
    """Compiles pages, given as names and texts, with one call of the compiler."""
    programs = [program(page, text, language) for page, text in pages]
    source = "".join(includes for includes, _ in programs) + "".join(code for _, code in programs)
    return subprocess.run([*COMPILERS[language], "-fsyntax-only", *WARNINGS, "-I", PROJECT / "include", "-"], input=source,
                          capture_output=True, text=True)  # fmt: skip


class Snippets(unittest.TestCase):
    def test_compile(self):
        pages = [(page, (PROJECT / page).read_text(encoding="utf-8")) for page in PAGES]
        for language in COMPILERS:
            with self.subTest(language=language):
                self.assertGreater(sum(len(blocks(text, language)) for _, text in pages), 1)
                result = compile_pages(pages, language)
                self.assertEqual(result.returncode, 0, result.stderr)

    def test_wrong_ones_are_found_in_their_line(self):
        for language in COMPILERS:
            for wrong in ["no_such_function();", "static int f(void) {\n  return no_such_value;\n}"]:
                with self.subTest(language=language, wrong=wrong):
                    text = f"# A page\n\n```{language}\nint a = 1;\n```\n\n```{language}\n{wrong}\n```\n"
                    result = compile_pages([("docs/page.md", text)], language)
                    self.assertNotEqual(result.returncode, 0)
                    self.assertRegex(result.stderr, r"docs/page.md:([89]):")

    def test_blocks_see_those_above(self):
        for language in COMPILERS:
            text = f"```{language}\n#include <stddef.h>\nsize_t a = 1;\n```\n```{language}\na = 2;\n```\n"
            self.assertEqual(compile_pages([("page.md", text)], language).returncode, 0)


if __name__ == "__main__":
    unittest.main()
