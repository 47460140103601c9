"""States that the training loop carries from batch to batch, also over a kill and on two devices."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from killed import KillAt, Killed
from new_process import in_new_process

from rnn_tasks import training
from rnn_tasks.config import TrainingConfig


class Stream:
    """Batch k of epoch e holds 10 e + k in its first row, and 100 more in its second."""

    def __len__(self):
        return 4

    def epoch(self, number):
        for position in range(len(self)):
            first = 10 * number + position
            yield {"x": np.array([[first], [first + 100]], "float32")}


def fit_stream(work_dir, callbacks=(), **settings):
    """The loss carries a sum of what it has seen, and a count -> weights, which are moved by the sums."""

    def loss(model, batch, is_training):
        total, count = batch["carried"]["total"], batch["carried"]["count"]
        total, count = total + batch["x"], count + 1
        share = tf.cast(tf.shape(total)[0], tf.float32) / 2  # of the two rows, those that this device has
        return training.StepLoss(tf.reduce_sum(model(total)), share, {"total": total, "count": count})

    config = TrainingConfig(**{"epochs": 3, "optimizer": "sgd", "clip_norm": 0, "learning_rate": 1.0, **settings})
    with training.training_scope(config, seed=3):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
        model.set_weights([np.zeros((1, 1))])
        training.fit(
            model,
            Stream(),
            loss,
            config=config,
            work_dir=work_dir,
            validate=lambda m: {"val_loss": float(m.get_weights()[0][0, 0])},
            monitor="val_loss",
            higher_is_better=False,
            callbacks=callbacks,
            carried={"total": np.zeros((2, 1), "float32"), "count": np.zeros((2,), "int32")},
        )
    return float(model.get_weights()[0][0, 0])


def test_states_are_carried_from_batch_to_batch_and_begin_anew_each_epoch(tmp_path):
    """The gradient is the carried sum of both rows."""
    gradients = [sum(20 * epoch + 2 * k + 100 for k in range(last + 1)) for epoch in range(3) for last in range(4)]
    assert fit_stream(tmp_path) == -sum(gradients)


@pytest.mark.parametrize("step", [2, 4, 7])
def test_a_stream_goes_on_where_it_was_interrupted(tmp_path, step):
    undisturbed = fit_stream(tmp_path / "whole")
    with pytest.raises(Killed):
        fit_stream(tmp_path / "broken", [KillAt(step)], checkpoint_minutes=1e-9)
    assert fit_stream(tmp_path / "broken", checkpoint_minutes=1e-9) == undisturbed


def stream_on_two_devices(directory):
    two = {"strategy": "mirrored", "devices": "2", "checkpoint_minutes": 1e-9}
    found = fit_stream(directory / "whole", **two)
    with pytest.raises(Killed):
        fit_stream(directory / "broken", [KillAt(6)], **two)
    return found, fit_stream(directory / "broken", **two)


def test_a_stream_on_two_devices_is_the_stream_on_one(tmp_path):
    """Each device carries the states of its rows, also over a kill."""
    assert in_new_process(stream_on_two_devices, tmp_path) == (fit_stream(tmp_path / "one"),) * 2
