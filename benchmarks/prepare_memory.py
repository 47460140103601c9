"""Memory and time of preparing parallel text: does memory grow with the corpus?

    .venv/bin/python benchmarks/prepare_memory.py [pairs ...]

Writes synthetic corpora of so many pairs (500,000 and 2,000,000 by default) to a temporary directory, prepares each in
a process of its own and prints that process' peak resident memory and seconds. Words are drawn by Zipf's law from more
words than are counted, so the larger corpus meets more distinct ones, as real text does; a tenth of the pairs repeat.
"""

from __future__ import annotations

import functools
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from _own_process import measured, program

LETTERS = np.array(list("eastinoruldmpcvgbfhj"))
DISTINCT_WORDS = 1_000_000
SENTENCES_AT_ONCE = 10_000


def write_corpus(directory: Path, pairs: int) -> None:
    """Write train, val and test files of `en` and `fr`, 1,000 pairs in the latter two."""
    random = np.random.default_rng(pairs)
    for split, count in (("train", pairs), ("val", 1_000), ("test", 1_000)):
        with (
            (directory / f"{split}.en").open("w", encoding="utf-8") as source,
            (directory / f"{split}.fr").open("w", encoding="utf-8") as target,
        ):
            for start in range(0, count, SENTENCES_AT_ONCE):
                size = min(SENTENCES_AT_ONCE, count - start)
                sides = [sentences(random, size), sentences(random, size)]
                repeated = random.permutation(size)[: size // 10]
                for file, lines in zip((source, target), sides, strict=True):
                    for i in repeated:
                        lines[i] = lines[0]
                    file.write("\n".join(lines) + "\n")


def sentences(random: np.random.Generator, count: int) -> list[str]:
    """Sentences of 4 to 25 words."""
    lengths = random.integers(4, 26, count)
    ranks = np.minimum(random.zipf(1.25, lengths.sum()), DISTINCT_WORDS)
    words = iter([word(rank) for rank in ranks.tolist()])
    return [" ".join(next(words) for _ in range(length)) + "." for length in lengths]


@functools.cache
def word(rank: int) -> str:
    """A word for each rank: its digits in base 20, as letters."""
    letters = ""
    while rank:
        rank, digit = divmod(rank, len(LETTERS))
        letters += str(LETTERS[digit])
    return letters


def prepare(directory: str, level: str) -> dict[str, Any]:
    """In the measured process: counts and seconds."""
    from rnn_tasks import text

    config = text.ParallelDataConfig(source=directory, level=level)
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=directory) as prepared:
        counts = text.prepare_pairs(text.open_corpus(config), config, Path(prepared))
    return {"counts": counts, "seconds": time.perf_counter() - start}


def main(sizes: list[str]) -> None:
    print(f"{'pairs':>10} {'kept':>10} {'level':>10} {'peak memory':>12} {'seconds':>8}")
    for pairs in map(int, sizes or ["500000", "2000000"]):
        with tempfile.TemporaryDirectory() as name:
            write_corpus(Path(name), pairs)
            for level in ("word", "wordpiece"):
                result = measured(name, level)
                kept, megabytes = result["counts"]["train_pairs"], result["megabytes"]
                print(f"{pairs:10,} {kept:10,} {level:>10} {megabytes:9.0f} MB {result['seconds']:8.0f}", flush=True)


if __name__ == "__main__":
    program(main, prepare)
