"""Problems whose answer depends on inputs long before it, with any lag; sequences are drawn again for every batch.

References:
    Hochreiter & Schmidhuber (1997), Long Short-Term Memory, experiments 4 (adding) and 6 (temporal order).
    Arjovsky, Shah & Bengio (2016), Unitary Evolution Recurrent Neural Networks, section 4.1 (copying).
    Martens & Sutskever (2011), Learning Recurrent Neural Networks with Hessian-Free Optimization (exclusive or of two
    marked bits).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

PAD_ID, FIRST_ID = 0, 4  # as in rnn_tasks.text.vocabulary
BLANK, SIGNAL, TO_COPY = "_", ":", "abcdefgh"
COPIED = 10
ORDER_SYMBOLS = "abcdXYEB"
ORDER_CLASSES = {2: "QRSU", 3: "QRSUVABC"}
AT_ONCE = 256

Name = Literal["adding", "temporal_order_6a", "temporal_order_6b", "copy", "parity"]


@dataclass(frozen=True)
class Problem:
    """One problem at one lag.

    Attributes:
        name: which.
        length: T of the papers. `adding`, `parity` and both temporal orders: sequences have T to T + T/10 steps, and
            the last relevant one stands T/2 steps (6a: 0.39 T, 6b: 0.23 T) before the end at least. `copy`: T + 20
            steps, and each symbol stands T + 10 steps before its answer.
        marked: bits whose parity is asked; 2 is the exclusive or.
    """

    name: Name
    length: int
    marked: int = 2

    @property
    def symbols(self) -> str:
        """The alphabet of the inputs; empty if the inputs are pairs of numbers."""
        return {"adding": "", "parity": "", "copy": TO_COPY + BLANK + SIGNAL}.get(self.name, ORDER_SYMBOLS)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of the answers; none if the answer is a number."""
        orders = {"temporal_order_6a": 2, "temporal_order_6b": 3}
        if self.name in orders:
            return tuple(ORDER_CLASSES[orders[self.name]])
        return {"adding": (), "parity": ("even", "odd"), "copy": (BLANK, *TO_COPY)}[self.name]

    @property
    def answers_each_step(self) -> bool:
        """Whether there is an answer at each step, instead of one at the end."""
        return self.name == "copy"

    @property
    def longest(self) -> int:
        """Steps of a sequence at most."""
        return self.length + (2 * COPIED if self.name == "copy" else self.length // 10)

    def draw(self, count: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Sequences with their answers.

        Returns:
            `inputs`, ids (count, longest) int32 or pairs of numbers (count, longest, 2) float32, zeros behind each;
            `lengths` (count,) int32; `targets`, (count, 1) float32 for adding, (count, longest) int32 for copy, else
            (count,) int32; and `lags` (count,) int32, steps from the last relevant element to the end.
        """
        if self.name == "copy":
            return _copy(self, count, rng)
        lengths = rng.integers(self.length, self.longest + 1, count, dtype=np.int32)
        draw = {"adding": _adding, "parity": _parity}.get(self.name, _temporal_order)
        return draw(self, lengths, rng)

    def written(self, drawn: dict[str, np.ndarray]) -> Iterator[str]:
        """Each sequence as a line that `predict` takes: a string of symbols, or `value marker value marker …`."""
        for row, length in zip(drawn["inputs"], drawn["lengths"], strict=True):
            if self.symbols:
                yield "".join(self.symbols[i - FIRST_ID] for i in row[:length])
            else:
                yield " ".join(f"{value:.6g} {marker:.0f}" for value, marker in row[:length])

    def shortened(self, drawn: dict[str, np.ndarray]) -> Iterator[str]:
        """Each sequence in a short form for people: a string, or the marked values and their positions."""
        if self.symbols:
            yield from self.written(drawn)
            return
        for row, length in zip(drawn["inputs"], drawn["lengths"], strict=True):
            marked = (f"{row[place, 0]:.4g} at {place}" for place in np.flatnonzero(row[:, 1] == 1))
            yield f"{', '.join(marked)} of {length}"

    def answer(self, target: np.ndarray) -> str:
        """A target in a form for people."""
        if self.answers_each_step:
            return "".join(self.classes[i] for i in target)
        return self.classes[int(target)] if self.classes else f"{float(target[0]):.6f}"


def labelled_sequences(problem: Problem, count: int, seed: int) -> Iterator[str]:
    """`sequence<TAB>answer` lines."""
    rng = np.random.default_rng(seed)
    for start in range(0, count, AT_ONCE):
        drawn = problem.draw(min(AT_ONCE, count - start), rng)
        for line, target in zip(problem.written(drawn), drawn["targets"], strict=True):
            yield f"{line}\t{problem.answer(target)}"


def _adding(problem: Problem, lengths: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Two marked values; the answer is 0.5 + (X1 + X2) / 4.

    One of the first ten pairs is marked, and one of the first T/2 - 1 that are still unmarked. The first and the last
    pair have the marker -1 in any case; of a mark on the first, X is zero.
    """
    count, rows = len(lengths), np.arange(len(lengths))
    half = problem.length // 2
    first = rng.integers(min(10, half), size=count)
    second = rng.integers(half - 1, size=count)
    second += second >= first  # the first pair marked is no longer among them
    values = rng.uniform(-1, 1, (count, problem.longest))
    marks = np.stack([first, second], axis=1)  # (count, 2)
    marked = np.where(marks > 0, values[rows[:, None], marks], 0.0)
    values[(marks == 0).any(axis=1), 0] = 0.0
    return {
        "inputs": _pairs(values, marks, lengths),
        "lengths": lengths,
        "targets": (0.5 + marked.sum(axis=1, keepdims=True) / 4).astype(np.float32),
        "lags": (lengths - 1 - marks.max(axis=1)).astype(np.int32),
    }


def _parity(problem: Problem, lengths: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Bits, of which some in the first half, but not the first one, are marked: is their sum even or odd?"""
    count, half = len(lengths), problem.length // 2
    bits = rng.integers(2, size=(count, problem.longest))
    marks = 1 + rng.permuted(np.tile(np.arange(half - 1), (count, 1)), axis=1)[:, : problem.marked]
    return {
        "inputs": _pairs(bits, marks, lengths),
        "lengths": lengths,
        "targets": (np.take_along_axis(bits, marks, axis=1).sum(axis=1) % 2).astype(np.int32),
        "lags": (lengths - 1 - marks.max(axis=1)).astype(np.int32),
    }


def _pairs(values: np.ndarray, marks: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Values (count, time) with markers: 1 at `marks` (count, marks), -1 at both ends, else 0."""
    count, time = values.shape
    rows, pairs = np.arange(count), np.zeros((count, time, 2), np.float32)
    pairs[..., 0] = values
    pairs[rows[:, None], marks, 1] = 1
    pairs[:, 0, 1] = pairs[rows, lengths - 1, 1] = -1
    pairs[np.arange(time) >= lengths[:, None]] = 0
    return pairs


def _temporal_order(problem: Problem, lengths: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """E, then a, b, c and d at random, then B; two or three of them are X or Y instead, whose order is the class.

    With T = 100, counting from 0: 6a's stand at 10 to 20 and 50 to 60, 6b's at 10 to 20, 33 to 43 and 66 to 76.
    """
    count, rows, longest = len(lengths), np.arange(len(lengths)), problem.longest
    tenth = problem.length // 10
    third = [problem.length // 3, 2 * problem.length // 3]
    starts = [tenth, problem.length // 2] if problem.name == "temporal_order_6a" else [tenth, *third]
    places = np.stack([rng.integers(start, start + tenth + 1, count) for start in starts], axis=1)  # (count, 2 or 3)
    is_y = rng.integers(2, size=places.shape)
    symbols = rng.integers(4, size=(count, longest))  # a to d
    symbols[rows[:, None], places] = ORDER_SYMBOLS.index("X") + is_y
    symbols[:, 0] = ORDER_SYMBOLS.index("E")
    symbols[rows, lengths - 1] = ORDER_SYMBOLS.index("B")
    ids = np.where(np.arange(longest) < lengths[:, None], symbols + FIRST_ID, PAD_ID)
    weights = 2 ** np.arange(len(starts))[::-1]  # X before Y, as the paper lists its classes
    return {
        "inputs": ids.astype(np.int32),
        "lengths": lengths,
        "targets": (is_y @ weights).astype(np.int32),
        "lags": (lengths - 1 - places.max(axis=1)).astype(np.int32),
    }


def _copy(problem: Problem, count: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Ten of eight symbols, T - 1 blanks, a signal, ten blanks; the answer is T + 10 blanks and the ten symbols."""
    symbols = rng.integers(len(TO_COPY), size=(count, COPIED))
    ids = np.full((count, problem.longest), len(TO_COPY))  # blanks
    ids[:, :COPIED] = symbols
    ids[:, COPIED + problem.length - 1] = len(TO_COPY) + 1
    targets = np.zeros((count, problem.longest), np.int32)
    targets[:, -COPIED:] = symbols + 1
    return {
        "inputs": (ids + FIRST_ID).astype(np.int32),
        "lengths": np.full(count, problem.longest, np.int32),
        "targets": targets,
        "lags": np.full(count, problem.length + COPIED, np.int32),
    }
