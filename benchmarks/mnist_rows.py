"""Training on pictures of 28×28, row by row: this project's model and loop against the same model in Keras' fit.

    python benchmarks/mnist_rows.py [--rounds 9] [--examples 1920] [--only simple_rnn] [--processor-time]

On a machine that others use, `taskset -c 0 … --processor-time` counts the seconds of one core that went into it.

Both read bytes, drop out alike, clip and take Adam's steps; pictures are noise, which costs what digits cost. Rounds
are interleaved; examples a second are medians over rounds, the first round, which compiles, left out. Keras trains as
`fit` does by itself, and compiled by XLA; ours is compared with the faster one.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from rnn_tasks import training
from rnn_tasks.config import override
from rnn_tasks.dataset import TARGETS, ExampleBatches, Examples, write_examples
from rnn_tasks.shapes import OneOf
from rnn_tasks.task import Prepared
from rnn_tasks.tasks import mnist
from rnn_tasks.training.optimizers import build_optimizer
from rnn_tasks.training.prefetch import prefetched
from rnn_tasks.training.step import compiled_step

KERAS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "simple_rnn": keras.layers.SimpleRNN}
MODELS = [("simple_rnn", 1, 64), ("gru", 1, 64), ("lstm", 1, 64), ("lstm", 3, 128)]  # cell, layers, batch
UNITS, CLASSES = 150, 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="timed rounds of each")
    parser.add_argument("--examples", type=int, default=1920, help="examples a round")
    parser.add_argument("--only", default="", help="rows whose title has this text")
    parser.add_argument("--processor-time", action="store_true", help="examples a second of this process' own time")
    options = parser.parse_args()
    clock = time.process_time if options.processor_time else time.perf_counter
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (options.examples, 28, 28)).astype(np.uint8)
    images[:, [0, -1]] = images[:, :, [0, -1]] = 0  # as MNIST's: light on dark
    labels = rng.integers(0, CLASSES, options.examples).astype(np.int32)
    print(f"{'examples a second':28}{'ours':>9}{'Keras':>9}{'Keras XLA':>11}{'times':>8}")
    with tempfile.TemporaryDirectory() as directory:
        write_examples(Path(directory) / "train", inputs=images, targets=labels)
        (Path(directory) / mnist.CLASSES).write_text("".join(f"{number}\n" for number in range(CLASSES)))
        for cell, layers, batch in MODELS:
            title = f"{layers} × {cell} {UNITS}, batch {batch}"
            if options.only in title:
                ways = {
                    "ours": _ours(Path(directory), cell, layers, batch),
                    "keras": _keras(images, labels, cell, layers, batch, jit_compile=False),
                    "xla": _keras(images, labels, cell, layers, batch, jit_compile=True),
                }
                speeds = _speeds(ways, options.rounds, options.examples, clock)
                times = speeds["ours"] / max(speeds["keras"], speeds["xla"])
                print(f"{title:28}{speeds['ours']:9,.0f}{speeds['keras']:9,.0f}{speeds['xla']:11,.0f}{times:8.2f}")


def _speeds(
    ways: dict[str, Callable[[], object]], rounds: int, examples: int, clock: Callable[[], float]
) -> dict[str, float]:
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, train in ways.items():
            before = clock()
            train()
            if number:
                seconds[name].append(clock() - before)
    return {name: examples / statistics.median(values) for name, values in seconds.items()}


def _ours(directory: Path, cell: str, layers: int, batch: int) -> Callable[[], object]:
    changes = {"model.cell": cell, "model.layers": layers, "model.units": UNITS, "training.batch_size": batch}
    config = override(mnist.MnistConfig(), changes)
    counts = {"height": 28, "width": 28, "classes": CLASSES}
    prepared = Prepared(directory=directory, digest="", counts=counts, source="noise", test_digest="")
    head = OneOf(mnist.classes_of(prepared))
    batches = ExampleBatches(Examples(directory / "train"), batch, seed=1)
    with training.training_scope(config.training, seed=1):
        model = mnist.build(config, prepared)
        optimizer = build_optimizer(config.training, model)

        def loss(model: keras.Model, batch: dict, is_training: bool) -> training.StepLoss:
            return head.loss(model({"inputs": batch["inputs"]}, training=is_training), batch[TARGETS], batch["weights"])

        step = compiled_step(model, optimizer, loss, config.training)
    epochs = itertools.count()

    def epoch() -> None:
        with prefetched(batches.epoch(next(epochs))) as coming:
            for batch in coming:
                float(step(batch)[0])

    return epoch


def _keras(
    images: np.ndarray, labels: np.ndarray, cell: str, layers: int, batch: int, jit_compile: bool
) -> Callable[[], object]:
    config = mnist.MnistConfig()
    hidden = inputs = keras.Input((28, 28), dtype="uint8")
    hidden = keras.layers.Rescaling(1 / 255)(hidden)
    for layer in range(layers):
        hidden = keras.layers.Dropout(config.model.dropout)(hidden)
        hidden = KERAS[cell](UNITS, return_sequences=layer < layers - 1)(hidden)
    logits = keras.layers.Dense(CLASSES)(keras.layers.Dropout(config.model.dropout)(hidden))
    model = keras.Model(inputs, logits)
    model.compile(
        keras.optimizers.Adam(config.training.learning_rate, global_clipnorm=config.training.clip_norm),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=jit_compile,
    )
    return lambda: model.fit(images, labels, batch_size=batch, epochs=1, verbose=0)


if __name__ == "__main__":
    main()
