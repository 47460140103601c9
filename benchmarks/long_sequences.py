"""Peak memory and time of one training step against sequence length, with and without recomputing in chunks.

    python benchmarks/long_sequences.py [steps ...]

Each measurement runs in a process of its own: an LSTM of 256 units over a batch of 16 sequences, 2,000 and 10,000
steps long unless told otherwise. Memory is the peak resident size above that of a sequence of 10 steps.
"""

from __future__ import annotations

import time

from _own_process import measured, program

BATCH, UNITS, CHUNK = 16, 256, 100


def main(lengths: list[str]) -> None:
    floor = {}
    for kind in ("keras", "plain", "recomputed"):
        floor[kind] = measured(kind, 10)["megabytes"]
    print(f"LSTM {UNITS}, batch {BATCH}; recomputed in chunks of {CHUNK}")
    for length in map(int, lengths or ["2000", "10000"]):
        for kind in floor:
            found = measured(kind, length)
            print(
                f"  {length:6} steps  {kind:11} {found['megabytes'] - floor[kind]:7.0f} MB  {found['seconds']:6.2f} s",
                flush=True,
            )


def measure(kind: str, steps: str) -> dict[str, float]:
    """Run a training step twice: the seconds of the second one."""
    import keras
    import tensorflow as tf

    from rnn_tasks import layers

    if kind == "keras":
        layer = keras.layers.LSTM(UNITS, return_sequences=True)
    else:
        every = CHUNK if kind == "recomputed" else None
        layer = layers.RNN(layers.LSTMCell(UNITS), return_sequences=True, recompute_every=every)
    inputs = tf.random.stateless_normal((BATCH, int(steps), UNITS), [1, 2])
    layer.build(inputs.shape)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(layer(inputs, training=True) ** 2)
        return tape.gradient(loss, [weight.value for weight in layer.trainable_variables])

    step()
    start = time.perf_counter()
    step()[-1].numpy()
    return {"seconds": time.perf_counter() - start}


if __name__ == "__main__":
    program(main, measure)
