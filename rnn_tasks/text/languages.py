"""Names of languages (`fr`, `fra`, `fr-CA` and `French` are one language), and languages recognised by their script."""

from __future__ import annotations

import functools
import re
import tomllib
from collections import Counter
from collections.abc import Iterable
from importlib.resources import files

# First and last code points of a script -> the languages written in it, the likeliest first.
_SCRIPTS = {
    "kana": ((0x3040, 0x30FF), ("ja",)),
    "han": ((0x3400, 0x9FFF), ("zh", "ja", "yue", "wuu", "lzh")),
    "hangul": ((0xAC00, 0xD7A3), ("ko",)),
    "thai": ((0x0E00, 0x0E7F), ("th",)),
    "lao": ((0x0E80, 0x0EFF), ("lo",)),
    "khmer": ((0x1780, 0x17FF), ("km",)),
    "myanmar": ((0x1000, 0x109F), ("my",)),
}
_FIRST = min(first for (first, _), _ in _SCRIPTS.values())
_KANA_OF_JAPANESE = 0.05  # the least share of its letters; Chinese has no kana


def language_code(name: str) -> str:
    """The short code of a language, from any of its codes or names; regions and scripts are left out.

    Args:
        name: `fr`, `fra`, `fr_CA`, `zho_Hans`, `French` or `français`.

    Returns:
        Two letters if `data/languages.toml` has the ISO 639-1 code; else the name's first part.
    """
    name = name.strip().casefold()
    first = re.split(r"[-_]", name)[0]
    return _codes().get(name) or _codes().get(first) or first


def is_language(name: str) -> bool:
    """Whether this is a code or a name of a language that is known here."""
    return name.strip().casefold() in _codes()


def is_language_name(name: str) -> bool:
    """Whether a language is spelled out: `French`, `français`, but not `fr`, which may be a word of some language."""
    return len(name.strip()) > 3 and is_language(name)


def languages_of_script(sentences: Iterable[str]) -> tuple[str, ...]:
    """The possible languages of sentences by the script of most letters; empty if it is a common script like Latin."""
    letters: Counter[str] = Counter()
    for sentence in sentences:
        letters.update(_script(character) for character in sentence if character.isalpha())
    total = letters.total()
    if letters["kana"] > _KANA_OF_JAPANESE * total and letters["kana"] + letters["han"] > total / 2:
        return _SCRIPTS["kana"][1]
    return next((languages for script, (_, languages) in _SCRIPTS.items() if letters[script] > total / 2), ())


def _script(character: str) -> str:
    point = ord(character)
    if point < _FIRST:  # for speed: this is most text
        return "other"
    return next((script for script, ((first, last), _) in _SCRIPTS.items() if first <= point <= last), "other")


@functools.cache
def _codes() -> dict[str, str]:
    known = tomllib.loads((files("rnn_tasks.text") / "data" / "languages.toml").read_text("utf-8"))
    return {name: code for code, names in known.items() for name in (code, *names)}
