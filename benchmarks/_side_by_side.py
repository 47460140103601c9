"""Contenders that do the same work, timed in turn, and what this machine could do at best."""

from __future__ import annotations

import contextlib
import platform
import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

try:
    import torch
except ImportError:
    torch = None

Run = Callable[[], Any]


class Case(NamedTuple):
    """Work that several contenders do.

    Attributes:
        title: what is done, with its shape.
        gigaflops: of the matrix products.
        contenders: name -> a function that makes the run; "ours" is the first.
        targets: what ours is measured against -> (at least, aim), as times ours is faster.
    """

    title: str
    gigaflops: float
    contenders: dict[str, Callable[[], Run]]
    targets: dict[str, tuple[float, float]]


def compare(case: Case, repeats: int) -> None:
    """Print how fast each contender of a case is, and whether ours meets its targets."""
    runs, first, in_a_row = {}, {}, {}
    for name, make in case.contenders.items():
        run, start = make(), time.perf_counter()
        run()
        first[name] = time.perf_counter() - start
        start = time.perf_counter()
        run()
        in_a_row[name] = max(1, round(0.01 / (time.perf_counter() - start)))
        runs[name] = run
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            time.sleep(0.01)
            run()
            start = time.perf_counter()
            for _ in range(in_a_row[name]):
                run()
            times[name].append((time.perf_counter() - start) / in_a_row[name])
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"{case.title}  ({case.gigaflops:.2f} GFLOP)")
    for name, median in medians.items():
        rate = case.gigaflops / median
        print(f"  {name:14} {1e3 * median:9.2f} ms  {rate:6.0f} GFLOP/s   first run {first[name]:.2f} s")
    for against, (least, aim) in case.targets.items():
        rivals = [median for name, median in medians.items() if name.startswith(against)]
        if rivals:
            ratio = min(rivals) / medians["ours"]
            verdict = "aim met" if ratio >= aim else "met" if ratio >= least else "MISSED"
            print(f"  {ratio:.2f} x as fast as {against} (at least {least}, aim {aim}): {verdict}")
    print(flush=True)


def ceiling() -> float:
    """Float32 GFLOP/s of the product of two large matrices, the best of TensorFlow and torch."""
    size = 2048
    left = tf.random.normal((size, size))
    runs: list[Run] = [lambda: tf.matmul(left, left)[0, 0].numpy()]
    if torch is not None:
        torch_left = torch.randn(size, size)
        runs.append(lambda: torch_left @ torch_left)
    best = float("inf")
    for run in runs:
        for _ in range(8):
            start = time.perf_counter()
            run()
            best = min(best, time.perf_counter() - start)
    return 2e-9 * size**3 / best


def processor() -> str:
    """Its name."""
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as lines:
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    return platform.processor()
