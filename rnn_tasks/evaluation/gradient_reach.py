"""How far back in time a loss reaches: its gradient with respect to the states of every step."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from rnn_tasks.layers.run import first_state, step_cell


def gradient_by_distance(model: keras.Model, inputs: np.ndarray, loss: Callable[[tf.Tensor], tf.Tensor]) -> np.ndarray:
    """The norm of the gradient of a loss at the end with respect to the states so many steps before.

    With s the states of all recurrent layers at step t (h, and c where there is one), it is |d loss / d s|: what a
    change of s would change at the end, by all ways through the steps between.

    Args:
        model: of `models.sequence_to_vector` or `sequence_to_sequence`, without pooling, of cells whose output is their
            first state.
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
    states = [first_state(cell, len(inputs)) for cell in cells]
    seen: list[list[tf.Tensor]] = []
    with tf.GradientTape() as tape:
        for step in tf.unstack(sequence, axis=1):
            hidden = step
            for number, cell in enumerate(cells):
                _, after = step_cell(cell, hidden, states[number])
                states[number] = [tf.identity(state) for state in after]
                tape.watch(states[number])
                hidden = states[number][0]
            seen.append([state for of_cell in states for state in of_cell])
        total = loss(model.get_layer("logits")(hidden))
    gradients = tape.gradient(total, seen, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    norms = [tf.reduce_mean(tf.norm(tf.concat(of_step, axis=-1), axis=-1)) for of_step in gradients]
    return np.array(norms[::-1], np.float64)
