"""How far back in time a loss reaches: its gradient with respect to the states of every step."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from rnn_tasks.layers.run import first_state, step_cell

COMPILED_FROM = 100
"""With this many steps or more, it is faster to compile the loop first."""


def gradient_by_distance(model: keras.Model, inputs: np.ndarray, loss: Callable[[tf.Tensor], tf.Tensor]) -> np.ndarray:
    """The norm of the gradient of a loss at the last step with respect to the states at each step before.

    If s are the states of all recurrent layers at step t (h, and c if there is one), the norm is |d loss / d s|: the
    effect of a change of s on the loss at the end, through all paths over the steps between.

    Args:
        model: from `models.sequence_to_vector` or `sequence_to_sequence`, without pooling; the output of its cells must
            be their first state.
        inputs: ids (batch, time) or (batch, time, features), all of one length.
        loss: logits (batch, outputs) of the last step -> the losses of all sequences, added up.

    Returns:
        (time,): the mean over sequences at the distances 0, 1, … from the end.

    References:
        Hochreiter, Bengio, Frasconi & Schmidhuber (2001), Gradient Flow in Recurrent Nets.
    """
    cells = [layer.cell for layer in model.layers if isinstance(layer, keras.layers.RNN)]
    embeddings = [layer for layer in model.layers if isinstance(layer, keras.layers.Embedding)]
    sequence = tf.convert_to_tensor(inputs)
    for embedding in embeddings:
        sequence = embedding(sequence)  # (batch, time, features)
    count, time = sequence.shape[:2]
    states = [keras.tree.flatten(first_state(cell, count)) for cell in cells]
    moved = [[tf.zeros((time, *state.shape)) for state in of_cell] for of_cell in states]

    def advance(before: list[list[tf.Tensor]], step: tuple[tf.Tensor, list[list[tf.Tensor]]]) -> list[list[tf.Tensor]]:
        hidden, by = step
        after = []
        for cell, state, change in zip(cells, before, by, strict=True):
            _, found = step_cell(cell, hidden, state)
            after.append([one + add for one, add in zip(keras.tree.flatten(found), change, strict=True)])
            hidden = after[-1][0]
        return after

    def gradients(sequence: tf.Tensor, moved: list[list[tf.Tensor]]) -> list[list[tf.Tensor]]:
        with tf.GradientTape() as tape:
            tape.watch(moved)
            passed = tf.scan(advance, (tf.transpose(sequence, (1, 0, 2)), moved), states)  # (time, batch, units) each
            total = loss(model.get_layer("logits")(passed[-1][0][-1]))
        return tape.gradient(total, moved)

    follow = tf.function(gradients, autograph=False) if time >= COMPILED_FROM else gradients
    found = tf.concat(tf.nest.flatten(follow(sequence, moved)), axis=-1)
    return tf.reduce_mean(tf.norm(found, axis=-1), axis=1).numpy()[::-1].astype(np.float64)
