"""Sentences to words separated by spaces, and back, without any loss.

    L'homme (à droite) dort.  ->  L'￭ homme (￭ à droite ￭) dort ￭.

`￭` marks where a token touched its neighbour, so that joining is the removal of these marks. Spaces of other kinds,
and `￭` itself, are written as their code points (`％202F` for the narrow no-break space): no token holds white space.
Such a code touches both of its neighbours without a mark. So does a character of a script that has no spaces:

    Vraiment ? (no-break)  ->  Vraiment ％00A0 ?        我用 Keras。  ->  我 用 ％0020 Keras 。

References:
    The joiner, and code points behind `％`, are the notation of OpenNMT's tokeniser
    (https://github.com/OpenNMT/Tokenizer).
"""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf

from rnn_tasks.text.levels import Level
from rnn_tasks.text.normalization import MOSES_ENTITIES, OTHER_SPACES, as_written, normalize

JOINER = "￭"
"""Marks where a token touched its neighbour; U+FFED."""

# `％` (U+FF05) comes first, so that codes and text cannot be confused; decoding uses the reverse order.
_CODES = {character: f"％{ord(character):04X}" for character in ("％", JOINER, *OTHER_SPACES)}
_CODE = "％[0-9A-F]{4}"
_SPACE = "％0020"  # a plain space beside something that touches its neighbours without a mark
_BORDER = "\x01"  # a temporary border of such a token; normalised text has no control characters

_LETTER = r"[\p{L}\p{N}\p{M}]"
_ENTITY = "|".join(MOSES_ENTITIES)
_WORD = rf"{_LETTER}+(?:-{_LETTER}+)*(?:['’]|&apos;)?"

# CJK punctuation and full-width forms stand between characters of these scripts, and touch them.
_CJK = (
    r"\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\x{3001}-\x{30FF}\x{31F0}-\x{31FF}\x{FF01}-\x{FF04}\x{FF06}-\x{FF9F}"
)
_WITHOUT_SPACES = {
    "word": rf"[{_CJK}\p{{Thai}}\p{{Lao}}\p{{Khmer}}\p{{Myanmar}}]\p{{M}}*",
    # The other scripts have so few characters that all of them are pieces: their phrases are cut into learned pieces.
    "wordpiece": r"\p{Han}\p{M}*",
    "character": r"[^ ]\p{M}*",
}


@dataclass(frozen=True)
class WordSplitter:
    """How one side of a corpus becomes words, and words become sentences.

    Attributes:
        level: "word": each character of a script without spaces (Chinese, Japanese, Thai, …) is a word.
            "wordpiece": only Chinese characters are, since words are cut further. "character": every character is.
        lowercase: lower-case.
        keeps_typography: words are spelled `as_written`; else they are normalised.
        segmented: words are separated by spaces in every script.
    """

    level: Level = "word"
    lowercase: bool = False
    keeps_typography: bool = False
    segmented: bool = False

    def split(self, strings: tf.Tensor) -> tf.Tensor:
        """Sentences of any shape as their words, separated by single spaces."""
        spell = as_written if self.keeps_typography else normalize
        return split_words(spell(strings, self.lowercase), self._without_spaces)

    def join(self, strings: tf.Tensor) -> tf.Tensor:
        """Words separated by single spaces, any shape, as the sentences they came from, in the splitter's spelling."""
        return join_words(strings, self._without_spaces)

    @property
    def _without_spaces(self) -> str:
        return "" if self.segmented else _WITHOUT_SPACES[self.level]


def split_words(strings: tf.Tensor, without_spaces: str = _WITHOUT_SPACES["word"]) -> tf.Tensor:
    """Strings as tokens separated by single spaces; `join_words` is the inverse.

    A word is letters, digits and combining marks, with hyphens inside; an apostrophe after it closes it
    (`l'￭ homme`). A Moses entity is a token. Every other character is a token of its own. The mark stands on the
    punctuation where one of two neighbours is punctuation, else on the first.

    Args:
        strings: from `normalize` or `as_written`, any shape.
        without_spaces: pattern of characters that are words of their own among letters.
    """
    for character, code in _CODES.items():
        strings = tf.strings.regex_replace(strings, character, code)
    unmarked = _unmarked(without_spaces)
    strings = tf.strings.regex_replace(strings, f"({unmarked})", rf"{_BORDER}\1{_BORDER}")
    for beside in (f"{_BORDER} ", f" {_BORDER}"):
        strings = tf.strings.regex_replace(strings, beside, f"{_BORDER}{_SPACE}{_BORDER}")
    strings = tf.strings.strip(tf.strings.regex_replace(strings, f"{_BORDER}+", " "))
    # Every token touches the next, but not across a space or at the end.
    strings = tf.strings.regex_replace(strings, rf"({unmarked}|{_WORD}|{_ENTITY}|[^ ])", rf"\1{JOINER} ")
    strings = tf.strings.regex_replace(strings, rf"{JOINER} ( |$)", r"\1")
    return tf.strings.regex_replace(strings, rf"{JOINER} ([^\p{{L}}\p{{N}}\p{{M}}])", rf" {JOINER}\1")


def join_words(strings: tf.Tensor, without_spaces: str = _WITHOUT_SPACES["word"]) -> tf.Tensor:
    """Token strings of any shape, tokens separated by single spaces, as the sentences they came from."""
    strings = tf.strings.regex_replace(strings, f" ?({_unmarked(without_spaces)}) ?", r"\1")
    strings = tf.strings.regex_replace(strings, f" ?{JOINER} ?", "")
    strings = tf.strings.regex_replace(strings, _SPACE, " ")
    for character, code in reversed(_CODES.items()):
        strings = tf.strings.regex_replace(strings, code, character)
    return strings


def _unmarked(without_spaces: str) -> str:
    """The pattern of tokens that touch their neighbours without a mark."""
    return f"{_CODE}|{without_spaces}" if without_spaces else _CODE
