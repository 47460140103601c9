"""Labelled strings of the embedded Reber language: members, near misses, and balanced data sets of both.

References:
    Hochreiter & Schmidhuber (1997), Long Short-Term Memory, Neural Computation 9(8), experiment 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from rnn_tasks.grammar import Automaton, named_language
from rnn_tasks.text.labelled_strings import MEMBER, LabelledStrings

MIXTURE = {"symbol": 0.4, "swap": 0.2, "long_range": 0.4}
"""Share of each kind of corruption. If symbols were only changed at random, the long-range pair would be wrong in only
one string of eight, and a model that ignores it would still look good."""


def corrupt(string: str, kind: str, rng: np.random.Generator, language: Automaton | None = None) -> str:
    """`string` with one thing changed so that it leaves its language.

    Args:
        string: a string of the language.
        kind: "symbol" (one symbol becomes another), "swap" (two unlike neighbours change places) or, in the embedded
            Reber language, "long_range" (the second or the last-but-one symbol becomes its opposite, T or P: all else
            stays right).
        rng: draws the place and the symbol.
        language: the embedded Reber language when None.

    Returns:
        A string as long as `string`, verified to be outside the language; `string` itself where a hundred attempts
        stayed inside.
    """
    language = language or named_language()
    for _ in range(100):
        changed = _CORRUPTIONS[kind](string, rng, language.symbols)
        if not language.accepts(changed):
            return changed
    return string


def _change_symbol(string: str, rng: np.random.Generator, symbols: str) -> str:
    place = int(rng.integers(len(string)))
    others = symbols.replace(string[place], "")
    return string[:place] + others[rng.integers(len(others))] + string[place + 1 :] if others else string


def _swap_neighbours(string: str, rng: np.random.Generator, _: str) -> str:
    place = int(rng.integers(len(string) - 1)) if len(string) > 1 else 0
    return string[:place] + string[place + 1 : place + 2] + string[place : place + 1] + string[place + 2 :]


def _break_long_range(string: str, rng: np.random.Generator, _: str) -> str:
    place = (1, len(string) - 2)[rng.integers(2)]
    return string[:place] + {"T": "P", "P": "T"}[string[place]] + string[place + 1 :]


_CORRUPTIONS: dict[str, Callable[[str, np.random.Generator, str], str]] = {
    "symbol": _change_symbol,
    "swap": _swap_neighbours,
    "long_range": _break_long_range,
}


def reber_dataset(count: int, seed: int) -> LabelledStrings:
    """`count` distinct strings, exactly half of them (rounded up) in the embedded Reber language, in random order."""
    return reber_splits({"all": count}, seed)["all"]


def reber_splits(
    counts: Mapping[str, int], seed: int, mixture: Mapping[str, float] | None = None, language: Automaton | None = None
) -> dict[str, LabelledStrings]:
    """Data sets that share no string, each half members and half corrupted members of its own.

    A corrupted string is in the same split as the string it was made from, so that no split has the other half of a
    pair. Each string occurs once in all splits together. Short strings are drawn repeatedly (of 100,000 draws, 3,241
    are distinct), so distinct strings are longer: 14,000 of them have 24 symbols on average and 45 at most, while draws
    have 12 on average and at least 9.

    Args:
        counts: split name -> strings, both classes together.
        seed: the same seed gives the same splits.
        mixture: kind of corruption -> share; `MIXTURE` when None.
        language: the embedded Reber language when None.

    Returns:
        Split name -> strings in random order.

    Raises:
        ValueError: the language has too few strings.
    """
    language = language or named_language()
    rng = np.random.default_rng(seed)
    shares = dict(MIXTURE if mixture is None else mixture)
    members = _distinct_members(sum(-(-count // 2) for count in counts.values()), rng, language)
    seen: set[str] = set()
    splits = {}
    for name, count in counts.items():
        chosen = [members.pop() for _ in range(-(-count // 2))]
        kinds = _kinds(count // 2, shares, rng)
        corrupted = [_fresh_corruption(s, kind, seen, rng, language) for s, kind in zip(chosen, kinds, strict=False)]
        rows = [(string, 1, MEMBER) for string in chosen] + [(string, 0, kind) for string, kind in corrupted]
        order = rng.permutation(len(rows))
        strings, labels, all_kinds = zip(*(rows[i] for i in order), strict=True) if rows else ((), (), ())
        splits[name] = LabelledStrings(list(strings), list(labels), list(all_kinds))
    return splits


def member_splits(counts: Mapping[str, int], seed: int, language: Automaton) -> dict[str, list[str]]:
    """Different strings of a language for each split; no string is in two splits.

    Args:
        counts: split name -> strings.
        seed: the same seed gives the same splits.
        language: draws them, short ones first of all: few strings are short.

    Raises:
        ValueError: the language has too few strings.
    """
    members = _distinct_members(sum(counts.values()), np.random.default_rng(seed), language)
    return {name: [members.pop() for _ in range(count)] for name, count in counts.items()}


def _distinct_members(count: int, rng: np.random.Generator, language: Automaton) -> list[str]:
    """`count` distinct strings of the language in random order (those first drawn are the short ones)."""
    found = language.distinct_strings(count, rng)
    return [found[i] for i in rng.permutation(count)]


def _kinds(count: int, shares: Mapping[str, float], rng: np.random.Generator) -> list[str]:
    """`count` kinds in random order; their counts are as near to the shares as whole numbers allow."""
    names = list(shares)
    edges = np.round(np.cumsum([shares[name] for name in names]) / sum(shares.values()) * count).astype(int)
    return [names[i] for i in rng.permutation(np.repeat(np.arange(len(names)), np.diff(edges, prepend=0)))]


def _fresh_corruption(
    string: str, kind: str, seen: set[str], rng: np.random.Generator, language: Automaton
) -> tuple[str, str]:
    """A corruption of `string` that is not yet in `seen` (and is then put there), with its kind.

    "long_range" has only two outcomes. If corruptions of a similar string have taken both, one symbol is changed
    instead.
    """
    for attempt in range(1000):
        used = kind if attempt < 10 else "symbol"
        changed = corrupt(string, used, rng, language)
        if changed != string and changed not in seen:
            seen.add(changed)
            return changed, used
    raise ValueError(f"no unused corruption of {string!r} was found")
