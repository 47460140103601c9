"""LSTM, GRU and SimpleRNN over many shapes: each kernel of ours against Keras' own, in training and at inference.

    python benchmarks/every_shape.py [--only TEXT]

What `loop_rows` and `loop_units` in rnn_tasks/layers/kernels/steps.py say is read off this table: where the loop of
TensorFlow's operations, which stands in where the native kernel cannot (no compiler, a graph to be exported, XLA), is
slower than Keras' layer, Keras' layer is taken. Milliseconds, medians of interleaved runs; the last two columns are the
native kernel and the loop against Keras, as times faster.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import time
from typing import Any
from unittest import mock

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from rnn_tasks import layers
from rnn_tasks.layers import cell_run
from rnn_tasks.layers.kernels.steps import Step

SHAPES = ["1x100x256", "4x50x128", "8x10x16", "16x50x512", "32x100x128", "64x20x256", "128x20x32", "256x10x64"]
SECONDS = 1.0  # for each row of the table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="rows whose title has this text")
    options = parser.parse_args()
    print(f"{'batch x steps x units':42}{'native':>9}{'loop':>9}{'Keras':>9}{'native':>9}{'loop':>9}")
    for way in ("training", "inference", "training XLA", "inference XLA"):
        for kind in ("LSTM", "GRU", "SimpleRNN"):
            for shape in SHAPES:
                title = f"{kind} {way} {shape}"
                if options.only in title:
                    _row(title, kind, tuple(map(int, shape.split("x"))), way)


def _row(title: str, kind: str, shape: tuple[int, ...], way: str) -> None:
    jit, training = way.endswith("XLA"), way.startswith("training")
    runs = {"loop": _looping(kind, shape, training, jit), "keras": _run(keras.layers, kind, shape, training, jit)}
    if not jit:
        with layers.native_inference():
            runs["native"] = _run(layers, kind, shape, training, jit)
    times: dict[str, list[float]] = {name: [] for name in runs}
    start = time.perf_counter()
    while time.perf_counter() - start < SECONDS or len(times["loop"]) < 5:
        for name, run in runs.items():
            run()
            before = time.perf_counter()
            run()
            times[name].append(1e3 * (time.perf_counter() - before))
    found = {name: statistics.median(values) for name, values in times.items()}
    native = f"{found['native']:9.2f}" if "native" in found else f"{'':9}"
    faster = f"{found['keras'] / found['native']:9.2f}" if "native" in found else f"{'':9}"
    print(f"{title:42}{native}{found['loop']:9.2f}{found['keras']:9.2f}{faster}{found['keras'] / found['loop']:9.2f}")


def _looping(kind: str, shape: tuple[int, ...], training: bool, jit: bool) -> Any:
    """Ours without the native kernel, and without leaving anything to Keras."""

    def choose(cell: Any, step: Step, training: bool, batch: int | None = None) -> cell_run.Choice:
        return cell_run.Choice("tensorflow", "this benchmark asks for it")

    with mock.patch("rnn_tasks.layers.fused.choose", choose):
        return _run(layers, kind, shape, training, jit)


def _run(module: Any, kind: str, shape: tuple[int, ...], training: bool, jit: bool) -> Any:
    batch, steps, units = shape
    inputs = tf.random.stateless_normal((batch, steps, units), seed=[1, 2])
    layer = getattr(module, kind)(units, return_sequences=True)
    layer.build(inputs.shape)

    @tf.function(jit_compile=jit)
    def step():
        with tf.GradientTape() if training else contextlib.nullcontext() as tape:
            if training:
                tape.watch(inputs)
            outputs = layer(inputs, training=training)
        sources = [inputs, *[v.value for v in layer.trainable_variables]]
        return tape.gradient(outputs, sources) if training else [outputs]

    step()  # traced here and now, with the kernel that holds here and now
    return lambda: [np.asarray(result)[:0] for result in step()]


if __name__ == "__main__":
    main()
