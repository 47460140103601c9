"""Deterministic finite automata: membership of a string, and random strings by the hundred thousand."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

Arc = tuple[int, str, int]  # from, symbol, to


@dataclass(frozen=True)
class Automaton:
    """A deterministic finite automaton with one start and one end; no arc leaves the end.

    Attributes:
        symbols: the alphabet, one ASCII character each.
        arcs: (from, symbol, to); the arcs that leave one state are equally likely when strings are drawn.
    """

    symbols: str
    start: int
    end: int
    arcs: tuple[Arc, ...]

    def __post_init__(self) -> None:
        """Refuse automata that the methods below could not walk through.

        Raises:
            ValueError: symbols outside the alphabet, two arcs with one symbol, unreachable or dead-end states.
        """
        if strange := sorted({symbol for _, symbol, _ in self.arcs} - set(self.symbols)):
            raise ValueError(f"symbol {strange[0]!r} is outside the alphabet {self.symbols!r}")
        seen: set[tuple[int, str]] = set()
        for state, symbol, _ in self.arcs:
            if (state, symbol) in seen:
                raise ValueError(f"two arcs leave state {state} with the symbol {symbol!r}")
            seen.add((state, symbol))
        forward, backward = (self._reached(end, backward=b) for end, b in ((self.start, False), (self.end, True)))
        if self.start == self.end or any(state == self.end for state, _, _ in self.arcs):
            raise ValueError(f"the end, state {self.end}, must be left by no arc")
        states = {self.start, self.end, *(state for arc in self.arcs for state in (arc[0], arc[2]))}
        if lost := sorted(states - forward):
            raise ValueError(f"state {lost[0]} is unreachable from the start, state {self.start}")
        if lost := sorted(states - backward):
            raise ValueError(f"state {lost[0]} is a dead end: the end, state {self.end}, is unreachable from it")

    def _reached(self, state: int, *, backward: bool) -> set[int]:
        pairs = [(to, one) if backward else (one, to) for one, _, to in self.arcs]
        reached, frontier = {state}, {state}
        while frontier:
            frontier = {to for one, to in pairs if one in frontier} - reached
            reached |= frontier
        return reached

    @functools.cached_property
    def _steps(self) -> dict[tuple[int, str], int]:
        return {(state, symbol): to for state, symbol, to in self.arcs}

    def accepts(self, string: str) -> bool:
        """Whether `string` leads from the start to the end."""
        state = self.start
        for symbol in string:
            state = self._steps.get((state, symbol), -1)  # nothing leaves -1
        return state == self.end

    def continuations(self, string: str) -> list[str]:
        """For each prefix of a string of the language, the symbols that may follow it, in the alphabet's order.

        Args:
            string: of the language; its last symbol leads to the end, and nothing follows the end.

        Returns:
            One entry for each prefix, from the empty one to the one before the whole string: len(string) entries.
        """
        state, found = self.start, []
        for symbol in string:
            found.append(self._following[state])
            state = self._steps[state, symbol]
        return found

    @functools.cached_property
    def _following(self) -> dict[int, str]:
        leaving: dict[int, set[str]] = {}
        for state, symbol, _ in self.arcs:
            leaving.setdefault(state, set()).add(symbol)
        return {state: "".join(s for s in self.symbols if s in symbols) for state, symbols in leaving.items()}

    def distinct_strings(self, count: int, rng: np.random.Generator) -> list[str]:
        """`count` different random strings, in the order in which they were first drawn: short ones come early.

        Raises:
            ValueError: the language has fewer strings, or further strings are too rare to be drawn.
        """
        found: dict[str, None] = {}
        in_vain = 0
        while len(found) < count:
            before = len(found)
            found.update(dict.fromkeys(self.strings(max(count, 1000), rng)))
            in_vain = in_vain + 1 if len(found) == before else 0
            if in_vain == 20:
                raise ValueError(f"{count:,} different strings are wanted, only {len(found):,} were found")
        return list(found)[:count]

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
