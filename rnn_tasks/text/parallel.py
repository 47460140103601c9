"""Parallel text: sentence pairs by split, the common form of all corpora."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path

from rnn_tasks.errors import UserError
from rnn_tasks.split_names import TEST, TRAINING, VALIDATION
from rnn_tasks.text.config import ParallelDataConfig
from rnn_tasks.text.lines import Pair


@dataclass(frozen=True)
class PairStream:
    """Sentence pairs that are read anew by each iteration."""

    read: Callable[[], Iterator[Pair]]

    def __iter__(self) -> Iterator[Pair]:
        return self.read()


@dataclass(frozen=True)
class ParallelCorpus:
    """Sentence pairs by split.

    Attributes:
        name: of the corpus, for people.
        inputs: the files of the corpus; empty for the embedded one.
        splits: "train", "val" and each test set by its own name, in this order -> (source, target) strings.
        check: reads all files once and raises a UserError if one is wrong, before costly work starts.
    """

    name: str
    inputs: tuple[Path, ...]
    splits: Mapping[str, Iterable[Pair]]
    check: Callable[[], None]


def split_corpus(config: ParallelDataConfig, path: Path, pairs: Iterable[Pair], seed: int) -> ParallelCorpus:
    """A corpus of pairs without splits; each pair's source sentence decides its split.

    Args:
        config: gives the sizes of the splits.
        path: the file of the pairs.
        pairs: read again by each iteration.
        seed: decides the split, together with the sentence.
    """
    split_of = partial(
        split_of_sentence,
        validation_fraction=config.validation_fraction,
        test_fraction=config.test_fraction,
        seed=seed,
    )

    def read(split: str) -> Iterator[Pair]:
        return (pair for pair in pairs if split_of(pair[0]) == split)

    def check() -> None:
        empty, count = {TRAINING, VALIDATION, TEST}, 0
        for source, _ in pairs:
            count += 1
            if empty:
                empty.discard(split_of(source))
        if empty:
            raise UserError(
                f"{path}: of {count} pairs none falls into {' and '.join(sorted(empty))}; "
                "give more pairs or set data.validation_fraction and data.test_fraction"
            )

    splits = {split: PairStream(partial(read, split)) for split in (TRAINING, VALIDATION, TEST)}
    return ParallelCorpus(config.source, (path,), splits, check)


def split_of_sentence(sentence: str, validation_fraction: float, test_fraction: float, seed: int) -> str:
    """The split of a source sentence, the same on any machine; all its translations are in the same split.

    Sentences that differ only in case, punctuation, spacing or Unicode form are in the same split.
    """
    folded = unicodedata.normalize("NFKC", sentence).casefold()
    words = " ".join(re.findall(r"[^\W_]+", folded))
    digest = blake2b(words.encode("utf-8"), digest_size=8, salt=seed.to_bytes(8, "little")).digest()
    position = int.from_bytes(digest, "little") / 2**64
    if position < test_fraction:
        return TEST
    return VALIDATION if position < test_fraction + validation_fraction else TRAINING


def swapped(pairs: Iterable[Pair]) -> Iterator[Pair]:
    """The same pairs, the target first."""
    return ((target, source) for source, target in pairs)
