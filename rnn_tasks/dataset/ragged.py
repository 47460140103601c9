"""Sequences of different lengths on disk: one flat file of values and one of offsets, both memory-mapped when read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from rnn_tasks.files import beside, write_whole

_OFFSET = np.dtype("<i8")


class RaggedArray(Sequence[np.ndarray]):
    """Reads the files of a `RaggedWriter`: sequence `i` is an array (time, *item shape).

    Args:
        prefix: `prefix.values` holds all values, sequence after sequence; `prefix.offsets` holds int64 positions in it:
            sequence `i` goes from offset `i` to offset `i + 1`; `prefix.json` holds dtype and shape of an item.
    """

    def __init__(self, prefix: Path):
        form = json.loads(beside(prefix, "json").read_bytes())
        dtype, item_shape = np.dtype(form["dtype"]), tuple(form["item_shape"])
        values = beside(prefix, "values")
        # An empty file cannot be mapped.
        flat = np.memmap(values, dtype, mode="r") if values.stat().st_size else np.zeros(0, dtype)
        self.values = flat.reshape(-1, *item_shape)  # (all time, *item shape)
        self.offsets = np.memmap(beside(prefix, "offsets"), _OFFSET, mode="r")

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"sequence {index} of {len(self)}")
        index %= len(self)
        return self.values[self.offsets[index] : self.offsets[index + 1]]

    @property
    def lengths(self) -> np.ndarray:
        """Time steps of every sequence, (sequences,) int64."""
        return np.diff(self.offsets)

    def padded(self, rows: np.ndarray, time: int, reverse: bool = False) -> np.ndarray:
        """Some sequences as one array, zeros after each.

        Args:
            rows: (batch,) which sequences; none longer than `time`.
            time: width of the result.
            reverse: last step first; the padding stays at the end.

        Returns:
            (batch, time, *item shape).
        """
        starts, ends = self.offsets[rows][:, None], self.offsets[rows + 1][:, None]  # (batch, 1)
        step = np.arange(time)  # (time,)
        positions = ends - 1 - step if reverse else starts + step  # (batch, time)
        inside = step < ends - starts
        result = np.zeros((*inside.shape, *self.values.shape[1:]), self.values.dtype)
        result[inside] = self.values[positions[inside]]
        return result


class RaggedWriter:
    """Appends sequences; a context manager.

    Args:
        prefix: as in `RaggedArray`.
        dtype: of the values.
        item_shape: of one time step; () for ids, (features,) for feature vectors.
    """

    def __init__(self, prefix: Path, dtype: DTypeLike = np.int32, item_shape: tuple[int, ...] = ()):
        self._dtype, self._item_shape = np.dtype(dtype).newbyteorder("<"), item_shape
        form = {"dtype": self._dtype.str, "item_shape": list(item_shape)}
        write_whole(beside(prefix, "json"), json.dumps(form) + "\n")
        # Plain files, because pages written through a memory map would count as this process' memory.
        self._values, self._offsets = beside(prefix, "values").open("wb"), beside(prefix, "offsets").open("wb")
        self._end = 0
        self._offsets.write(np.zeros(1, _OFFSET).tobytes())

    def append(self, sequence: ArrayLike) -> None:
        """Add one sequence, (time, *item shape)."""
        sequence = np.asarray(sequence, self._dtype)
        self.extend(sequence, np.array([len(sequence)]))

    def extend(self, values: np.ndarray, lengths: np.ndarray) -> None:
        """Add many sequences: their values one after the other, and the length of each."""
        if lengths.sum() != len(values):
            raise ValueError(f"lengths add up to {lengths.sum()}, but there are {len(values)} steps")
        if values.shape[1:] != self._item_shape:
            raise ValueError(f"items of shape {values.shape[1:]}, {self._item_shape} expected")
        ends = self._end + np.cumsum(lengths, dtype=_OFFSET)
        self._values.write(np.ascontiguousarray(values, self._dtype).tobytes())
        self._offsets.write(ends.tobytes())
        self._end += len(values)

    def close(self) -> None:
        """Flush and close the files."""
        self._values.close()
        self._offsets.close()

    def __enter__(self) -> RaggedWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
