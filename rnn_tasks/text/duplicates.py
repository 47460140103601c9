"""Find training pairs that leak or repeat, by hashes in files, in memory that does not grow.

A hash file holds two 64-bit hashes for each pair: of its source sentence, and of the pair. With 2,000,000 different
pairs, only one corpus in ten million has two pairs with the same hash.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

_PAIRS_AT_ONCE = 2**19
_BYTES_A_PAIR = 16


def leaking(training: Path, others: list[Path]) -> np.ndarray:
    """Whether a training pair's source is also a source of another split, (pairs,) bool.

    Args:
        training: hash file.
        others: hash files of the other splits; they must fit into memory.
    """
    sources = [hashes[:, 0] for other in others for _, hashes in _parts(other)]
    held_out = np.unique(np.concatenate([np.zeros(0, np.uint64), *sources]))
    found = np.zeros(_pairs(training), bool)
    for start, hashes in _parts(training):
        found[start : start + len(hashes)] = np.isin(hashes[:, 0], held_out)
    return found


def repeated(training: Path) -> np.ndarray:
    """Whether the same pair came before, (pairs,) bool."""
    found = np.zeros(_pairs(training), bool)
    # Equal hashes fall into the same shard, and only one shard is in memory at a time.
    shards = -(-len(found) // _PAIRS_AT_ONCE)
    for shard in range(shards):
        positions, shard_hashes = [], []
        for start, hashes in _parts(training):
            here = np.flatnonzero(hashes[:, 1] % shards == shard)
            positions.append(start + here)
            shard_hashes.append(hashes[here, 1])
        _, first = np.unique(np.concatenate(shard_hashes), return_index=True)
        found[np.delete(np.concatenate(positions), first)] = True
    return found


def _pairs(path: Path) -> int:
    return path.stat().st_size // _BYTES_A_PAIR


def _parts(path: Path) -> Iterator[tuple[int, np.ndarray]]:
    """The parts of a hash file: number of the part's first pair, and hashes (pairs, 2)."""
    for start in range(0, _pairs(path), _PAIRS_AT_ONCE):
        yield start, np.fromfile(path, "<u8", 2 * _PAIRS_AT_ONCE, offset=_BYTES_A_PAIR * start).reshape(-1, 2)
