"""Tests that every path of the repository that the documentation names exists, and every heading that a link leads to."""

import os
import re
import unittest
from pathlib import Path

PROJECT = Path(os.environ.get("STREAMDIFFUSION_PROJECT", Path(__file__).resolve().parents[2]))
PAGES = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").glob("*.md")),
         *sorted((PROJECT / "bench").glob("**/*.md"))]

# The folders whose paths documents name: those at the top, and those in src/, which are named without "src/".
TOP = {"bench", "cmake", "docs", "examples", "findings", "include", "models", "python", "scripts", "src", "tests", "tools", "web", ".ci"}
BELOW_SRC = {folder.name for folder in (PROJECT / "src").iterdir() if folder.is_dir()} - TOP
SOURCE = re.compile(r"\.(h|cpp|cu|py|js|cmake)$")
PATH = re.compile(r"(?<![\w/.:~$-])\.{0,2}/?[\w.-]+(?:/[\w.*{},-]*)+")
FILE = re.compile(r"(?<![\w/.*-])[\w-]+\.(?:h|cpp|cu|py|js|cmake)\b")
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
PLACEHOLDER = re.compile(r"\b(DATE|NAME|FILE|FOLDER|MODEL)\b")

# Paths that the commands on the pages create.
MADE = {"models/sd-turbo"}


def sources():
    """Names and paths of all source files."""
    for folder in TOP:
        for path in (PROJECT / folder).rglob("*"):
            if SOURCE.search(path.name):
                yield path.relative_to(PROJECT).as_posix()


SOURCES = list(sources())


def exists(path):
    """True if the path, which may be a pattern, leads to something in the project."""
    if any(character in path for character in "*{"):
        choice = re.search(r"\{([^}]*)\}", path)
        if choice:
            return all(exists(path.replace(choice[0], one, 1)) for one in choice[1].split(","))
        return any(PROJECT.glob(path.rstrip("/")))
    return (PROJECT / path).exists()


def is_source(path):
    """True if a source file has this name, or this path at its end."""
    return any(source == path or source.endswith("/" + path) for source in SOURCES)


def is_below_src(path):
    """True if src/ has the path, which may leave out the extension."""
    return exists("src/" + path) or any(exists("src/" + path + end) for end in (".h", ".cpp"))


def headings(page):
    """The anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"(?ms)^```.*?^```", "", page.read_text(encoding="utf-8"))
    for heading in re.findall(r"(?m)^#+ +(.*)$", text):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def missing_links(page, text):
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in headings(file)):
            yield target


def missing_paths(text):
    for token in PATH.findall(text):
        path = token.rstrip(".,-").removeprefix("./")
        if path.split("/")[0] in TOP and path not in MADE and not PLACEHOLDER.search(path) and not exists(path):
            yield path


def missing_in_code(text):
    for code in CODE.findall(text):
        for token in PATH.findall(code):
            path = token.rstrip(".,-")
            first = path.split("/")[0]
            if first in BELOW_SRC and not is_below_src(path) and not is_source(path):
                yield path
            elif first not in TOP | BELOW_SRC and SOURCE.search(path) and not path.startswith(".") and not is_source(path):
                yield path
        for name in FILE.findall(code):
            if "/" not in code and not is_source(name):
                yield name


def missing(page, text):
    return [*missing_links(page, text), *missing_paths(LINK.sub("]", text)), *missing_in_code(text)]


class Paths(unittest.TestCase):
    def test_exist(self):
        self.assertGreater(len(PAGES), 10)
        for page in PAGES:
            with self.subTest(page=page.relative_to(PROJECT).as_posix()):
                self.assertEqual(missing(page, page.read_text(encoding="utf-8")), [])

    def test_wrong_ones_are_found(self):
        page = PROJECT / "docs" / "models.md"
        wrong = ["see src/model/no_such.cpp.", "`model/no_such`", "`no_such.h`", "[a](no_such.md)", "[a](models.md#no-such)",
                 "    python tools/no_such.py", "`streamdiffusion/no_such.h`", "src/model/{model,no_such}.cpp", "tests/no_such/*"]
        for text in wrong:
            with self.subTest(text=text):
                self.assertEqual(len(missing(page, text)), 1)

    def test_right_ones_are_not(self):
        page = PROJECT / "docs" / "models.md"
        right = ["src/model/model.cpp, and", "`model/model_files`", "`device.h`", "[a](live.md)", "[a](#precision)", "`streamdiffusion/hub.h`",
                 "src/model/model{.cpp,_impl.h}", "tests/conformance/cases/*/", "path/to/sd-turbo", "https://example.org/docs/x", "bench/results/DATE-MACHINE.md"]
        for text in right:
            with self.subTest(text=text):
                self.assertEqual(missing(page, text), [])


if __name__ == "__main__":
    unittest.main()
