"""The Reber and the embedded Reber language.

A string of the embedded language is `B T <Reber string> T E` or `B P <Reber string> P E`: its last-but-one symbol
repeats the second symbol, at any distance. This makes the language hard for a short memory.

References:
    Hochreiter & Schmidhuber (1997), Long Short-Term Memory, Neural Computation 9(8), experiment 1.
    Reber (1967), Implicit learning of artificial grammars.
"""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np

from rnn_tasks.grammar.automaton import Automaton
from rnn_tasks.grammar.definitions import load_automata

LANGUAGES = ("embedded", "reber")
AUTOMATA = Path(__file__).parent / "data" / "reber.toml"


@functools.cache
def named_language(name: str = "embedded") -> Automaton:
    """The automaton of the "reber" or the "embedded" language."""
    return load_automata(AUTOMATA)[name]


def reber_strings(count: int, seed: int) -> list[str]:
    """`count` random Reber strings; short ones repeat."""
    return named_language("reber").strings(count, np.random.default_rng(seed))


def embedded_reber_strings(count: int, seed: int) -> list[str]:
    """`count` random embedded Reber strings; short ones repeat."""
    return named_language("embedded").strings(count, np.random.default_rng(seed))


def is_reber(string: str) -> bool:
    """Whether `string` belongs to the Reber language."""
    return named_language("reber").accepts(string)


def is_embedded_reber(string: str) -> bool:
    """Whether `string` belongs to the embedded Reber language."""
    return named_language("embedded").accepts(string)
