"""Deterministic finite automata: membership of a string, and random strings by the hundred thousand."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Arc = tuple[int, str, int]  # from, symbol, to


@dataclass(frozen=True)
class Automaton:
    """A deterministic finite automaton with one start and one end, which no arc leaves.

    Attributes:
        symbols: the alphabet, one ASCII character each.
        arcs: (from, symbol, to); the arcs that leave one state are equally likely when strings are drawn.
    """

    symbols: str
    start: int
    end: int
    arcs: tuple[Arc, ...]

    def __post_init__(self) -> None:
        """Reject what the walks below could not follow."""
        if strange := {symbol for _, symbol, _ in self.arcs} - set(self.symbols):
            raise ValueError(f"symbols outside the alphabet {self.symbols!r}: {sorted(strange)}")
        if len(self._steps) < len(self.arcs):
            raise ValueError("two arcs leave one state with one symbol")
        leaving = {state for state, _, _ in self.arcs}
        if self.end in leaving or {to for _, _, to in self.arcs} - leaving != {self.end}:
            raise ValueError("the end must be the one state that no arc leaves")

    @functools.cached_property
    def _steps(self) -> dict[tuple[int, str], int]:
        return {(state, symbol): to for state, symbol, to in self.arcs}

    def accepts(self, string: str) -> bool:
        """Whether `string` leads from the start to the end."""
        state = self.start
        for symbol in string:
            state = self._steps.get((state, symbol), -1)  # nothing leaves -1
        return state == self.end

    def strings(self, count: int, rng: np.random.Generator) -> list[str]:
        """`count` random strings of the language, each arc drawn uniformly among those that leave its state.

        All strings are walked at once, one symbol a step.
        """
        size = 1 + max(state for arc in self.arcs for state in (arc[0], arc[2]))
        leaving: list[list[Arc]] = [[] for _ in range(size)]
        for arc in self.arcs:
            leaving[arc[0]].append(arc)
        degree = np.array([len(arcs) for arcs in leaving])
        symbol = np.zeros((size, degree.max()), np.uint8)
        following = np.zeros((size, degree.max()), np.int64)
        for state, arcs in enumerate(leaving):
            symbol[state, : len(arcs)] = [ord(arc[1]) for arc in arcs]
            following[state, : len(arcs)] = [arc[2] for arc in arcs]

        columns = []  # one a step: (count,) symbols, 0 where a string has ended
        walking = np.arange(count)
        states = np.full(count, self.start)
        while walking.size:
            choice = (rng.random(walking.size) * degree[states]).astype(np.int64)
            column = np.zeros(count, np.uint8)
            column[walking] = symbol[states, choice]
            columns.append(column)
            states = following[states, choice]
            on = states != self.end
            walking, states = walking[on], states[on]
        if not columns:
            return []
        rows = np.ascontiguousarray(np.stack(columns, axis=1))  # (count, longest)
        return rows.view(f"S{rows.shape[1]}")[:, 0].astype(str).tolist()


def load_automata(path: Path) -> dict[str, Automaton]:
    """The automata of a TOML file by name; `data/reber.toml` shows and explains the format."""
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    symbols = tables.pop("symbols")
    return {
        name: Automaton(symbols, table["start"], table["end"], tuple(_flat_arcs(table, tables)))
        for name, table in tables.items()
    }


def _flat_arcs(table: Mapping[str, Any], tables: Mapping[str, Any]) -> list[Arc]:
    """The arcs of `table` with each arc that names an automaton replaced by a copy of that automaton."""
    arcs: list[Arc] = []
    unused = 1 + max(state for arc in table["arcs"] for state in (arc[0], arc[2]))
    for source, symbol, target in table["arcs"]:
        if symbol not in tables:
            arcs.append((source, symbol, target))
            continue
        inner = tables[symbol]
        renamed = {inner["start"]: source, inner["end"]: target}
        for state, inner_symbol, to in _flat_arcs(inner, tables):
            for old in (state, to):
                if old not in renamed:
                    renamed[old] = unused
                    unused += 1
            arcs.append((renamed[state], inner_symbol, renamed[to]))
    return arcs
