"""Peak memory and time of one training step against sequence length, with and without recomputing in chunks.

    python benchmarks/long_sequences.py [steps ...]

Each measurement runs in a process of its own: an LSTM of 256 units over a batch of 16 sequences, 2,000 and 10,000
steps long unless told otherwise. Memory is the peak resident size above that of a sequence of 10 steps.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

BATCH, UNITS, CHUNK = 16, 256, 100


def main(lengths: list[int]) -> None:
    floor = {}
    for kind in ("keras", "plain", "recomputed"):
        floor[kind] = measured(kind, 10)["megabytes"]
    print(f"LSTM {UNITS}, batch {BATCH}; recomputed in chunks of {CHUNK}")
    for length in lengths:
        for kind in floor:
            found = measured(kind, length)
            print(
                f"  {length:6} steps  {kind:11} {found['megabytes'] - floor[kind]:7.0f} MB  {found['seconds']:6.2f} s",
                flush=True,
            )


def measured(kind: str, length: int) -> dict[str, float]:
    """Megabytes and seconds of one step, from a process of its own."""
    command = [sys.executable, __file__, "--measure", kind, str(length)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(kind: str, length: int) -> None:
    """Run a training step twice, the second one timed; print what it took."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import resource

    import keras
    import tensorflow as tf

    from rnn_tasks import layers

    if kind == "keras":
        layer = keras.layers.LSTM(UNITS, return_sequences=True)
    else:
        every = CHUNK if kind == "recomputed" else None
        layer = layers.RNN(layers.LSTMCell(UNITS), return_sequences=True, recompute_every=every)
    inputs = tf.random.stateless_normal((BATCH, length, UNITS), [1, 2])
    layer.build(inputs.shape)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(layer(inputs, training=True) ** 2)
        return tape.gradient(loss, [weight.value for weight in layer.trainable_variables])

    step()
    start = time.perf_counter()
    step()[-1].numpy()
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"megabytes": peak, "seconds": seconds}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2], int(sys.argv[3]))
    else:
        main([int(steps) for steps in sys.argv[1:]] or [2_000, 10_000])
