"""Peak memory and time of training on the adding problem at a lag of 10,000, with and without recomputing in chunks.

    python benchmarks/long_lags_memory.py [length ...]

Each measurement runs in a process of its own: three updates of an LSTM of 64 units on batches of 16 fresh sequences of
T = 10,000 unless told otherwise. Memory is the peak resident size above that of sequences of T = 10.
"""

from __future__ import annotations

import math
import time

from _own_process import measured, program

BATCH, UNITS, UPDATES = 16, 64, 3
KINDS = ("whole", "recomputed")


def main(lengths: list[str]) -> None:
    floor = {kind: measured(kind, 10)["megabytes"] for kind in KINDS}
    print(f"adding problem, LSTM of {UNITS}, batch {BATCH}; recomputed: states kept every √T steps")
    for length in map(int, lengths or ["10000"]):
        for kind in KINDS:
            found = measured(kind, length)
            above = found["megabytes"] - floor[kind]
            print(
                f"  T = {length:6}  {kind:10}  {above:6.0f} MB above {floor[kind]:.0f} MB  "
                f"{found['seconds']:6.2f} s an update  first loss {found['loss']:.6f}",
                flush=True,
            )


def measure(kind: str, steps: str) -> dict[str, float]:
    """Train: seconds an update and the first loss."""
    import keras
    import tensorflow as tf

    from rnn_tasks import layers
    from rnn_tasks.dataset import FreshBatches
    from rnn_tasks.synthetic import Problem

    keras.utils.set_random_seed(1)
    length = int(steps)
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
    return {"seconds": min(seconds), "loss": losses[0]}


if __name__ == "__main__":
    program(main, measure)
