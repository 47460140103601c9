"""The loss in parts of target steps is the loss of the whole."""

import numpy as np
import pytest
import tensorflow as tf

from rnn_tasks import models, training
from rnn_tasks.training import teacher_forcing

SETTINGS = {
    "bahdanau": {"attention": "bahdanau"},
    "luong fed back": {"attention": "luong", "input_feeding": True},
    "two layers, gru": {"layers": 2, "cell": "gru"},
    "no attention": {"attention": "none", "tied": False},
}


def batch():
    rng = np.random.default_rng(0)
    source, target = rng.integers(4, 30, (3, 7)), rng.integers(4, 40, (3, 11))
    source[1, 4:] = 0
    target[0, 3:] = target[2, 10:] = 0
    shifted = np.concatenate([np.full((3, 1), 2), target[:, :-1]], axis=1)
    arrays = {"source": source, "target_in": shifted, "target_out": target}
    return {name: tf.constant(array, tf.int32) for name, array in arrays.items()}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS.keys())
@pytest.mark.parametrize("steps", [1, 4, 100])
def test_parts_add_up_to_the_whole(settings, steps, monkeypatch):
    model = models.EncoderDecoder(30, 40, units=6, embedding_dim=5, **settings)
    whole = training.sequence_cross_entropy(model(batch()), batch()["target_out"])
    monkeypatch.setattr(teacher_forcing, "LARGEST", steps * 3 * 7 * 6)  # rows x source time x units
    parts = tf.function(lambda one: training.teacher_forced_loss(model, one), autograph=False)(batch())
    assert float(parts.weight) == float(whole.weight) == 3 + 11 + 10
    assert float(parts.total) == pytest.approx(float(whole.total), rel=1e-5)
