"""A baseline for membership in a language that remembers only one symbol."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence

from nltk.util import bigrams

BORDER = None


def bigrams_known(members: Iterable[Sequence[Hashable]], sequences: Iterable[Sequence[Hashable]]) -> list[bool]:
    """Whether all pairs of neighbours in a sequence also occur as neighbours in some member, for each sequence.

    The border of a sequence counts as a neighbour of its first and its last symbol.

    Args:
        members: sequences known to belong to the language.
        sequences: those to judge.
    """
    known = {pair for member in members for pair in _bigrams(member)}
    return [all(pair in known for pair in _bigrams(sequence)) for sequence in sequences]


def _bigrams(sequence: Sequence[Hashable]) -> Iterator[tuple[Hashable, Hashable]]:
    return bigrams(sequence, pad_left=True, pad_right=True, left_pad_symbol=BORDER, right_pad_symbol=BORDER)
