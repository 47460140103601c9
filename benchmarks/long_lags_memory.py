"""Peak memory and time of training on the adding problem at a lag of 10,000, with and without recomputing in chunks.

    python benchmarks/long_lags_memory.py [length ...]

Each measurement runs in a process of its own: three updates of an LSTM of 64 units on batches of 16 fresh sequences of
T = 10,000 unless told otherwise. Memory is the peak resident size above that of sequences of T = 10.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time

BATCH, UNITS, UPDATES = 16, 64, 3
KINDS = ("whole", "recomputed")


def main(lengths: list[int]) -> None:
    floor = {kind: measured(kind, 10)["megabytes"] for kind in KINDS}
    print(f"adding problem, LSTM of {UNITS}, batch {BATCH}; recomputed: states kept every √T steps")
    for length in lengths:
        for kind in KINDS:
            found = measured(kind, length)
            above = found["megabytes"] - floor[kind]
            print(
                f"  T = {length:6}  {kind:10}  {above:6.0f} MB above {floor[kind]:.0f} MB  "
                f"{found['seconds']:6.2f} s an update  first loss {found['loss']:.6f}",
                flush=True,
            )


def measured(kind: str, length: int) -> dict[str, float]:
    """Megabytes, seconds an update and the first loss, from a process of its own."""
    command = [sys.executable, __file__, "--measure", kind, str(length)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(kind: str, length: int) -> None:
    """Train, and print what it took."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import resource

    import keras
    import tensorflow as tf

    from rnn_tasks import layers
    from rnn_tasks.dataset import FreshBatches
    from rnn_tasks.synthetic import Problem

    keras.utils.set_random_seed(1)
    problem = Problem("adding", length)
    every = math.isqrt(problem.longest) if kind == "recomputed" else None
    cell = layers.LSTMCell(UNITS, forget_bias=math.log(length))
    reader = keras.Sequential(
        [
            keras.Input((problem.longest, 2)),
            layers.RNN(cell, recompute_every=every),
            keras.layers.Dense(1),
        ]
    )
    optimizer = keras.optimizers.Adam(1e-3)
    optimizer.build(reader.trainable_variables)

    @tf.function
    def update(inputs: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((reader(inputs, training=True) - targets) ** 2)
        optimizer.apply(tape.gradient(loss, reader.trainable_variables), reader.trainable_variables)
        return loss

    seconds, losses = [], []
    for batch in FreshBatches(problem.draw, BATCH, UPDATES, seed=1).epoch(0):
        started = time.perf_counter()
        losses.append(float(update(tf.constant(batch["inputs"]), tf.constant(batch["targets"]))))
        seconds.append(time.perf_counter() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"megabytes": peak, "seconds": min(seconds), "loss": losses[0]}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2], int(sys.argv[3]))
    else:
        main([int(length) for length in sys.argv[1:]] or [10_000])
