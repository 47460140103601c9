"""What a memory of one symbol can know about a language: the honest baseline for membership."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence

from nltk.util import bigrams

BORDER = None


def bigrams_known(members: Iterable[Sequence[Hashable]], sequences: Iterable[Sequence[Hashable]]) -> list[bool]:
    """Whether each sequence consists of neighbours that are neighbours in some member too.

    The first and the last symbol are neighbours of the sequence's border.

    Args:
        members: sequences known to belong to the language.
        sequences: those to judge.
    """
    known = {pair for member in members for pair in _bigrams(member)}
    return [all(pair in known for pair in _bigrams(sequence)) for sequence in sequences]


def _bigrams(sequence: Sequence[Hashable]) -> Iterator[tuple[Hashable, Hashable]]:
    return bigrams(sequence, pad_left=True, pad_right=True, left_pad_symbol=BORDER, right_pad_symbol=BORDER)
