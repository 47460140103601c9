"""Sequences of token ids on disk: one flat file of ids and one of offsets, both memory-mapped when read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import ArrayLike

_ID = np.dtype("<i4")
_OFFSET = np.dtype("<i8")


def _paths(prefix: Path) -> tuple[Path, Path]:
    return prefix.with_name(prefix.name + ".ids"), prefix.with_name(prefix.name + ".offsets")


class TokenStore(Sequence[np.ndarray]):
    """Reads what a `TokenStoreWriter` wrote.

    Args:
        prefix: `prefix.ids` holds int32 ids, sequence after sequence; `prefix.offsets` int64 positions in it,
            sequence `i` reaching from offset `i` to offset `i + 1`.
    """

    def __init__(self, prefix: Path):
        ids, offsets = _paths(prefix)
        # An empty file cannot be mapped.
        self._ids = np.memmap(ids, _ID, mode="r") if ids.stat().st_size else np.zeros(0, _ID)
        self._offsets = np.memmap(offsets, _OFFSET, mode="r")

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"sequence {index} of {len(self)}")
        index %= len(self)
        return self._ids[self._offsets[index] : self._offsets[index + 1]]

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of every sequence, (sequences,) int64."""
        return np.diff(self._offsets)

    def padded(self, rows: np.ndarray, time: int, reverse: bool = False) -> np.ndarray:
        """Some sequences as one array, zeros after each.

        Args:
            rows: (batch,) which sequences; none longer than `time`.
            time: width of the result.
            reverse: last token first; the padding stays at the end.

        Returns:
            (batch, time) int32 ids.
        """
        starts, ends = self._offsets[rows][:, None], self._offsets[rows + 1][:, None]  # (batch, 1)
        step = np.arange(time)  # (time,)
        positions = ends - 1 - step if reverse else starts + step  # (batch, time)
        inside = step < ends - starts
        result = np.zeros(inside.shape, np.int32)
        result[inside] = self._ids[positions[inside]]
        return result


class TokenStoreWriter:
    """Appends sequences to a store; a context manager.

    Args:
        prefix: as of `TokenStore`.
    """

    def __init__(self, prefix: Path):
        ids, offsets = _paths(prefix)
        # Plain files: pages written through a memory map would count as this process' memory.
        self._ids, self._offsets = ids.open("wb"), offsets.open("wb")
        self._end = 0
        self._offsets.write(np.zeros(1, _OFFSET).tobytes())

    def append(self, ids: ArrayLike) -> None:
        """Add one sequence."""
        ids = np.asarray(ids, _ID)
        self.extend(ids, np.array([len(ids)]))

    def extend(self, ids: np.ndarray, lengths: np.ndarray) -> None:
        """Add many sequences: their ids one after the other, and the length of each."""
        if lengths.sum() != len(ids):
            raise ValueError(f"lengths add up to {lengths.sum()}, but there are {len(ids)} ids")
        ends = self._end + np.cumsum(lengths, dtype=_OFFSET)
        self._ids.write(np.ascontiguousarray(ids, _ID).tobytes())
        self._offsets.write(ends.tobytes())
        self._end += len(ids)

    def close(self) -> None:
        """Flush and close both files."""
        self._ids.close()
        self._offsets.close()

    def __enter__(self) -> TokenStoreWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
