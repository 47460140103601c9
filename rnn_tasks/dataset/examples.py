"""The examples of one split on disk: named fields with the same number of rows, memory-mapped when read."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rnn_tasks.dataset.ragged import RaggedArray, RaggedWriter
from rnn_tasks.files import beside, write_whole

INPUTS, TARGETS, RECORDS = "inputs", "targets", "records"
"""The fields in every task's split: the model's inputs, the right answers, the records as a user would give them."""
TEST_DATA = ("test*.txt", "test*.targets.*")
"""The files of a preparation that identify its test data, independently of the encoding."""


class Examples:
    """The fields of a split, by name: `examples["inputs"]`.

    A field is an array (examples, …), a `RaggedArray` of sequences, or a list of strings.

    Args:
        prefix: as in `write_examples`.
    """

    def __init__(self, prefix: Path):
        self.fields: dict[str, Any] = {}
        for path in sorted(prefix.parent.glob(f"{prefix.name}.*")):
            name, _, ending = path.name.removeprefix(f"{prefix.name}.").partition(".")
            if ending == "npy":
                self.fields[name] = np.load(path, mmap_mode="r")
            elif ending == "txt":
                self.fields[name] = path.read_text(encoding="utf-8").split("\n")[:-1]
            elif ending == "offsets":
                self.fields[name] = RaggedArray(beside(prefix, name))
        if not self.fields:
            raise FileNotFoundError(f"no fields of examples at {prefix}")

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]

    def __len__(self) -> int:
        return len(next(iter(self.fields.values())))


def write_examples(prefix: Path, **fields: np.ndarray | Sequence[str] | Iterable[np.ndarray]) -> int:
    """Write the fields of a split, each to files that begin with `prefix.<field>`.

    Args:
        prefix: directory and name of the split.
        fields: an array (examples, …); a list of strings without line ends; or an iterable of arrays (time, …), one
            for each example, all of one dtype and item shape. Doubles are stored as float32.

    Returns:
        The number of examples written.

    Raises:
        ValueError: the fields have different lengths, or a string holds a line end.
    """
    counts = {name: _write_field(beside(prefix, name), values) for name, values in fields.items()}
    if len(set(counts.values())) != 1:
        raise ValueError(f"fields of unequal lengths: {counts}")
    return next(iter(counts.values()))


def _write_field(path: Path, values: Any) -> int:
    if isinstance(values, np.ndarray):
        np.save(beside(path, "npy"), values.astype(np.float32) if values.dtype == np.float64 else values)
        return len(values)
    iterator = iter(values)
    first = next(iterator, None)
    if first is None or isinstance(first, str):
        strings = [] if first is None else [first, *iterator]
        if any("\n" in string for string in strings):
            raise ValueError(f"a string of {path.name} holds a line end")
        write_whole(beside(path, "txt"), "".join(f"{string}\n" for string in strings))
        return len(strings)
    form = np.asarray(first)
    dtype = np.float32 if form.dtype == np.float64 else form.dtype
    with RaggedWriter(path, dtype, form.shape[1:]) as writer:
        for sequence in itertools.chain([first], iterator):
            writer.append(sequence)
    return len(RaggedArray(path))
