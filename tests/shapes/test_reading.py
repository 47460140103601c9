"""Scores while reading: those of the model that gets no more than the beginning of each sequence."""

import numpy as np
import pytest
import tensorflow as tf

from rnn_tasks import models
from rnn_tasks.dataset import Examples, write_examples
from rnn_tasks.shapes import OneOf, scores_while_reading
from rnn_tasks.shapes.reading import _points


@pytest.mark.parametrize("pooling", ["last", "mean", "attention"])
def test_scores_are_those_of_sequences_cut_off(tmp_path, pooling):
    rng = np.random.default_rng(0)
    inputs, targets = rng.normal(size=(700, 5, 3)).astype(np.float32), rng.integers(0, 2, 700).astype(np.int32)
    write_examples(tmp_path / "test", inputs=inputs, targets=targets)
    reader = models.sequence_to_vector(features=3, outputs=2, units=4, cell="gru", pooling=pooling, seed=1)
    found = scores_while_reading(reader, tf.identity, OneOf(("a", "b")), Examples(tmp_path / "test"))
    assert [steps for steps, _ in found] == [1, 2, 3, 4, 5]
    for steps, score in found:
        cut = {"inputs": inputs[:, :steps], "lengths": np.full(700, steps, np.int32)}
        decisions = np.argmax(reader(cut), axis=1)
        assert score == pytest.approx(np.mean(decisions == targets), abs=2 / 700)  # rounding may turn one or two


def test_all_steps_are_read_or_some_at_even_distances():
    assert _points(5) == [1, 2, 3, 4, 5]
    assert _points(32) == list(range(1, 33))
    many = _points(784)
    assert (len(many), many[0], many[-1]) == (32, 25, 784)
    assert set(np.diff(many)) <= {24, 25}
