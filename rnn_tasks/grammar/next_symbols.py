"""Arrays of the symbols that may follow each symbol of a string, for training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from rnn_tasks.grammar.automaton import Automaton

IMPOSSIBLE, POSSIBLE, FOLLOWS = 0, 1, 2


def next_symbol_targets(strings: Iterable[str], language: Automaton) -> Iterator[np.ndarray]:
    """The symbols that may follow a string's first, second, … symbol, for each string of a language.

    Returns:
        (time, symbols) int8 for each string, with time = length of the string - 1: 2 for the symbol that follows, 1 for
        other symbols that could follow, 0 for all others.
    """
    for string in strings:
        possible = language.continuations(string)[1:]
        targets = np.array([[symbol in allowed for symbol in language.symbols] for allowed in possible], np.int8)
        following = [language.symbols.index(symbol) for symbol in string[1:]]
        targets[np.arange(len(following)), following] = FOLLOWS
        yield targets
