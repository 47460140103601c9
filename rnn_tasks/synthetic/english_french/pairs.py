"""English-French sentence pairs from a synchronous grammar written for this project.

Train, validation and test differ in what they combine: some pairs of content words (adjective and noun, verb and
object, subject and verb) are held out, for validation or for test, by a seeded hash. No training sentence contains
a held-out pair and every validation or test sentence contains one, so translating it is generalisation, not recall;
its single words all occur among the first 20,000 training sentences.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from hashlib import blake2b
from random import Random

from rnn_tasks.errors import UserError
from rnn_tasks.synthetic.english_french.grammar import Grammar, finish, load_grammar
from rnn_tasks.synthetic.english_french.sentences import draw_sentence

HELD_OUT_PERCENT = {"val": 5, "test": 7}
MOST_PAIRS = {"train": 1_000_000, "val": 50_000, "test": 50_000}
TEACHING_PAIRS = 20_000
"""As many training sentences, counted from the first, show every word of the other splits."""

_WORD = re.compile(r"\w+")


def english_french_pairs(split: str, count: int, seed: int) -> Iterator[tuple[str, str]]:
    """Distinct (English, French) pairs, the same ones for the same arguments.

    A longer list starts with the shorter one. No pair occurs twice, in one split or across splits of one seed.

    Args:
        split: "train", "val" or "test".
        count: how many pairs.
        seed: decides which combinations are held out, and which sentences are drawn.

    Raises:
        UserError: no such split, or more pairs than it has.
    """
    if split not in MOST_PAIRS:
        raise UserError(f"split: found {split!r}, accepted are {', '.join(MOST_PAIRS)}")
    if not 0 <= count <= MOST_PAIRS[split]:
        raise UserError(
            f"count: found {count}, the English-French grammar gives 0 to {MOST_PAIRS[split]} {split} pairs"
        )
    return _pairs(split, count, seed)


def combination_split(seed: int) -> Callable[[str], str]:
    """A function that tells which split a combination of content words belongs to ("train" for most)."""

    @functools.cache
    def split_of(combination: str) -> str:
        percent = _number(f"{seed}:{combination}") % 100
        if percent < HELD_OUT_PERCENT["test"]:
            return "test"
        return "val" if percent < HELD_OUT_PERCENT["test"] + HELD_OUT_PERCENT["val"] else "train"

    return split_of


def drawn_pairs(grammar: Grammar, split: str, seed: int) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Endless sentences of one split, repeats included: English, French, the combinations in it."""
    rng = Random(f"{seed}:{split}")
    split_of = combination_split(seed)
    kinds = [kind for kind, weight in grammar.sentences.items() for _ in range(weight)]
    wanted = {"train"} if split == "train" else {"train", split}
    while True:
        phrase = draw_sentence(grammar, rng, rng.choice(kinds))
        if phrase is None:
            continue
        splits = {split_of(combination) for combination in phrase.combinations}
        if splits <= wanted and (split == "train" or split in splits):
            yield *finish(grammar, phrase), phrase.combinations


def words(text: str) -> set[str]:
    """The words of a sentence, lower case, without punctuation and elided vowels: l'hôtel -> l, hôtel."""
    return set(_WORD.findall(text.lower()))


def _pairs(split: str, count: int, seed: int) -> Iterator[tuple[str, str]]:
    if count == 0:
        return
    seen: set[int] = set()
    taught = None if split == "train" else _taught_words(seed)
    for english, french, _ in drawn_pairs(load_grammar(), split, seed):
        key = _number(english)
        if key in seen or (taught is not None and not words(english) | words(french) <= taught):
            continue
        seen.add(key)
        yield english, french
        if len(seen) == count:
            return


@functools.lru_cache(maxsize=1)
def _taught_words(seed: int) -> frozenset[str]:
    """The words of both languages (which share few) that the first training sentences show."""
    return frozenset(word for pair in _pairs("train", TEACHING_PAIRS, seed) for text in pair for word in words(text))


def _number(text: str) -> int:
    """64 bits that depend on nothing but the text (Python's own hash differs from process to process)."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")
