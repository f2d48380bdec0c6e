#!/usr/bin/env python3
"""Write tokenizer_texts.json: texts and the ids that transformers' CLIPTokenizer gives them.

    pip install transformers
    python make_tokenizer_texts.py ../../conformance/cases/models/clip-vocabulary/tokenizer
"""
import json, random, sys, unicodedata
from pathlib import Path

from transformers import CLIPTokenizer

HAND = ["", " ", "a photo of a cat", "<|endoftext|>", "a <|endoftext|> b<|startoftext|>c", "<|ENDOFTEXT|>!!", "!!<|startoftext|>!!",
        "<|endoftext|", "it's 12 CATS'LL", "İstanbul ΣΑΣ ß ﬁ", "e\u0301 é A\u030a\u0327", "a\u00a0b\u200bc\u2028d\x1ce\x85f\tg",
        "½ ① ٣٤ ⅻ", "\x00\x01", "naïve ĳ 今日は 𝒳 👍🏽", "각 한국어", "क्षत्रिय", "'s't're've'm'll'd", "don't 'S", "\uf900 \u2126 \u212b"]
RANGES = [(0x20, 0x7f)] * 5 + [(0xa0, 0x250), (0x300, 0x370), (0x370, 0x590), (0x590, 0x800), (0x900, 0xe00), (0x1100, 0x1200),
          (0x1e00, 0x2000), (0x2000, 0x2100), (0x2100, 0x2500), (0x3000, 0x3100), (0x4e00, 0x9fff), (0xac00, 0xd7a4),
          (0xf900, 0xfb50), (0xff00, 0xfff0), (0x1d400, 0x1d800), (0x1f300, 0x1f600), (0x20000, 0x2a6d0), (0, 0x20), (0x1e900, 0x1e940)]


def random_text(rng):
    parts = []
    for _ in range(rng.randint(2, 7)):
        first, last = rng.choice(RANGES)
        parts.append("".join(c for c in (chr(rng.randrange(first, last)) for _ in range(4)) if unicodedata.category(c) != "Cn"))
    return "".join(parts)


tokenizer, rng = CLIPTokenizer.from_pretrained(sys.argv[1]), random.Random(1)
texts = HAND + [random_text(rng) for _ in range(120)]
rows = [json.dumps([text, tokenizer(text).input_ids]) for text in texts]
Path(__file__).with_name("tokenizer_texts.json").write_text("[\n" + ",\n".join(rows) + "\n]\n")
