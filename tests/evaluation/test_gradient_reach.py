"""Gradients against distance, where they are known."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tasks import models
from rnn_tasks.evaluation import gradient_by_distance, gradient_reach


def set_recurrent(model, matrix):
    cell = next(layer.cell for layer in model.layers if isinstance(layer, keras.layers.RNN))
    cell.recurrent_kernel.assign(matrix)
    return cell


@pytest.mark.parametrize(("scale", "compiled_from"), [(0.5, 100), (1.0, 12), (1.3, 12)])
def test_a_scaled_identity_shrinks_or_grows_by_its_scale_each_step(scale, compiled_from, monkeypatch):
    """An irnn of positive inputs is linear: the gradient k steps back is scale^k times that at the end."""
    monkeypatch.setattr(gradient_reach, "COMPILED_FROM", compiled_from)
    model = models.sequence_to_vector(features=3, outputs=2, units=4, cell="irnn", seed=1)
    cell = set_recurrent(model, scale * np.eye(4))
    cell.kernel.assign(np.ones((3, 4)))
    inputs = np.ones((5, 12, 3), np.float32)
    found = gradient_by_distance(model, inputs, lambda logits: tf.reduce_sum(logits))
    end = np.linalg.norm(model.get_layer("logits").kernel.numpy().sum(axis=1))
    np.testing.assert_allclose(found, end * scale ** np.arange(12), rtol=1e-5)


@pytest.mark.parametrize("cell", ["lstm", "peephole_lstm", "gru", "simple_rnn", "irnn"])
@pytest.mark.parametrize("layers", [1, 2])
def test_it_is_what_a_small_change_of_a_state_does(cell, layers):
    """By the last answer's finite differences, with the model's own layers run from the changed state on."""
    model = models.sequence_to_vector(vocabulary_size=9, outputs=1, units=3, layers=layers, cell=cell, seed=2)
    for weight in model.trainable_weights:  # an irnn's own start is nearly 0
        weight.assign(weight + 0.3 * tf.random.stateless_normal(weight.shape, [3, 4]))
    ids = np.random.default_rng(1).integers(4, 9, (2, 6)).astype(np.int32)
    found = gradient_by_distance(model, ids, lambda logits: tf.reduce_sum(logits**2))
    sequence = model.get_layer("embedding")(ids).numpy()
    recurrent = [layer for layer in model.layers if isinstance(layer, keras.layers.RNN)]

    def loss(moved, by):
        """Of each row, where one unit of the states three steps before the end is moved."""
        states = [[np.zeros((2, 3), np.float32) for _ in keras.tree.flatten(r.cell.state_size)] for r in recurrent]
        for step in range(6):
            hidden = sequence[:, step]
            for number, layer in enumerate(recurrent):
                _, after = layer.cell(hidden, states[number])
                states[number] = [np.asarray(s) for s in keras.tree.flatten(after)]
                if (step, number) == (2, moved[0]):
                    states[number][moved[1]] = states[number][moved[1]] + by * np.eye(3, dtype=np.float32)[moved[2]]
                hidden = states[number][0]
        return (model.get_layer("logits")(hidden).numpy() ** 2).sum(axis=1)

    squared = np.zeros(2)
    for number, layer in enumerate(recurrent):
        for i in range(len(keras.tree.flatten(layer.cell.state_size))):
            for unit in range(3):
                up, down = (loss((number, i, unit), by) for by in (1e-2, -1e-2))
                squared += ((up - down) / 2e-2) ** 2
    assert found[3] == pytest.approx(np.sqrt(squared).mean(), rel=2e-2, abs=1e-4)
