"""A text whose words belong to known classes: words of a class can replace each other in the same sentences."""

from __future__ import annotations

import functools
import itertools
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from rnn_tasks.files import write_whole

DATA = Path(__file__).parent / "data" / "word_classes.toml"


@functools.cache
def _data() -> dict[str, Any]:
    return tomllib.loads(DATA.read_text(encoding="utf-8"))


def word_classes() -> dict[str, str]:
    """word -> its class, of all words that have one."""
    data = _data()
    classes = {word: name for name, words in data["classes"].items() for word in words}
    for names, rows in data["pairs"].items():
        for row in rows:
            classes |= dict(zip(row.split(), names.split("-"), strict=True))
    return classes


def class_analogies() -> dict[str, list[tuple[str, str, str, str]]]:
    """a is to b as c to d, for every two pairs of a kind."""
    return {
        names: [(*one.split(), *other.split()) for one, other in itertools.permutations(rows, 2)]  # type: ignore[misc]
        for names, rows in _data()["pairs"].items()
    }


def write_class_tests(directory: Path, classes: str, analogies: str) -> dict[str, int]:
    """Write files `classes` of word<TAB>class lines and `analogies` of `a b c d` lines in `: sections`.

    Returns:
        Name of a file, without its ending -> what it holds.
    """
    of_words, sections = word_classes(), class_analogies()
    write_whole(directory / classes, "".join(f"{word}\t{name}\n" for word, name in of_words.items()))
    lines = (f": {name}\n" + "".join(f"{' '.join(words)}\n" for words in asked) for name, asked in sections.items())
    write_whole(directory / analogies, "".join(lines))
    return {Path(classes).stem: len(of_words), Path(analogies).stem: sum(map(len, sections.values()))}


def class_sentences(count: int, seed: int) -> Iterator[list[str]]:
    """`count` sentences as words; frequent words of a class come before rare ones, as in language.

    Args:
        count: how many.
        seed: the same one draws the same.
    """
    data, rng = _data(), np.random.default_rng(seed)
    texts = [re.split(r"[{}]", text) for text in data["sentences"]["texts"]]  # every second part is a class
    for number in rng.integers(len(texts), size=count).tolist():
        row: dict[str, str] = {}
        parts = texts[number]
        for names, rows in data["pairs"].items():
            if set(names.split("-")) & set(parts[1::2]):
                row = dict(zip(names.split("-"), rows[_zipf(rng, len(rows))].split(), strict=True))
        words = [
            (row.get(part) or data["classes"][part][_zipf(rng, len(data["classes"][part]))]) if place % 2 else part
            for place, part in enumerate(parts)
        ]
        yield "".join(words).split()


def _zipf(rng: np.random.Generator, size: int) -> int:
    """A number below `size`, the first drawn about three times as often as the last."""
    return int(size * (rng.random() ** 1.5))
