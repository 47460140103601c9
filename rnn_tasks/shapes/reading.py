"""How early a model knows: what it would answer if the sequence ended after some of its steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from rnn_tasks import activity, training
from rnn_tasks.dataset import INPUTS, TARGETS, ExampleBatches, Examples
from rnn_tasks.shapes.answers import ROWS
from rnn_tasks.shapes.heads import Head

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

MOST_POINTS = 32


def scores_while_reading(
    reader: keras.Model, sequences: Callable[[tf.Tensor], tf.Tensor], head: Head, examples: Examples
) -> list[tuple[int, float]]:
    """The head's first score of the answers after each step or, if there are many steps, after evenly spaced ones.

    Args:
        reader: {"inputs": (batch, time, features), "lengths": (batch,)} -> outputs (batch, head.outputs); its time
            dimension is open.
        sequences: the examples' inputs (batch, …) -> (batch, time, features), all of one length.
        head: judges answers.
        examples: with fields `inputs` and `targets`.

    Returns:
        (steps read, score), the last one after all steps.
    """
    import tensorflow as tf

    batches = ExampleBatches(examples, ROWS)

    def read(batch: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        begun = sequences(batch[INPUTS])[:, : batch["steps"]]  # (batch, steps, features)
        lengths = tf.fill([tf.shape(begun)[0]], batch["steps"])
        return head.answer(reader({"inputs": begun, "lengths": lengths}, training=False))

    time = sequences(tf.constant(next(iter(batches.in_buckets()))[1][INPUTS])).shape[1]
    answer = training.forward(read)
    scores = []
    for steps in activity.each("step read", _points(time), min(time, MOST_POINTS)):
        right, count = 0.0, 0
        for rows, batch in batches.in_buckets():
            found = answer({INPUTS: batch[INPUTS], "steps": np.array(steps, np.int32)})
            answers = {name: value[: len(rows)] for name, value in found.items()}
            right += len(rows) * head.judge(head.decided(answers), batch[TARGETS][: len(rows)]).value
            count += len(rows)
        scores.append((steps, right / count))
    return scores


def _points(time: int) -> list[int]:
    """Rising numbers of steps; the last one is `time`."""
    return np.unique(np.ceil(np.linspace(0, time, min(time, MOST_POINTS) + 1)[1:]).astype(int)).tolist()
