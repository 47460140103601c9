"""The training loop: resumed runs end where undisturbed ones do."""

import json
import os
import random
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf
from killed import KillAt, Killed
from new_process import Died, in_new_process

from rnn_tasks import activity, training
from rnn_tasks.config import TrainingConfig
from rnn_tasks.errors import UserError


class LinearBatches:
    """y = x · (1, -2, 3) + 0.5, drawn from the epoch's number."""

    def __init__(self, batches: int = 4, rows: int = 8):
        self.batches, self.rows = batches, rows

    def __len__(self):
        return self.batches

    def epoch(self, number):
        rng = np.random.default_rng(number)
        for _ in range(self.batches):
            x = rng.normal(size=(self.rows, 3)).astype("float32")
            yield {"x": x, "y": x @ np.array([1.0, -2.0, 3.0], "float32") + 0.5}


def squared_error(model, batch, is_training):
    """Times a random number, another one for each update."""
    errors = tf.cast(model(batch["x"], training=is_training)[:, 0], tf.float32) - batch["y"]
    factor = tf.random.stateless_uniform([], tf.stack([1, tf.cast(batch["update"], tf.int32)]), 0.5, 1.5)
    return training.StepLoss(factor * tf.reduce_sum(errors**2), tf.cast(tf.size(errors), tf.float32))


def fit(work_dir, config=None, callbacks=(), batches=None, validate=None):
    config = config or TrainingConfig(epochs=4, learning_rate=0.05)
    with training.training_scope(config, seed=3):
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dropout(0.3), keras.layers.Dense(1)])
        trained = training.fit(
            model,
            batches or LinearBatches(),
            squared_error,
            config=config,
            work_dir=work_dir,
            validate=validate or (lambda m: {"val_loss": float(np.abs(m.layers[-1].bias.numpy() - 0.5).sum())}),
            monitor="val_loss",
            higher_is_better=False,
            callbacks=callbacks,
        )
    return model, trained


def weights(model):
    return np.concatenate([np.ravel(w) for w in model.get_weights()])


OPTIMIZERS = {
    "adam": {"warmup_steps": 3, "decay": "cosine"},
    "adamw": {"optimizer": "adamw", "weight_decay": 0.1, "weight_average": 0.8},
    "nadam": {"optimizer": "nadam"},
    "rmsprop": {"optimizer": "rmsprop"},
    "sgd": {"optimizer": "sgd", "momentum": 0.9, "weight_average": 0.8, "precision": "mixed_float16"},
}
INTERRUPTIONS = [
    *((step, minutes, "adam") for step in (2, 4, 5, 11) for minutes in (1e-9, 5.0)),
    *((6, 1e-9, name) for name in list(OPTIMIZERS)[1:]),
]


@pytest.mark.parametrize(("step", "minutes", "name"), INTERRUPTIONS)
def test_an_interrupted_run_ends_as_an_undisturbed_one(tmp_path, step, minutes, name):
    config = TrainingConfig(epochs=4, learning_rate=0.05, checkpoint_minutes=minutes, **OPTIMIZERS[name])
    undisturbed, expected = fit(tmp_path / "whole", config)
    with pytest.raises(Killed):
        fit(tmp_path / "broken", config, [KillAt(step)])
    resumed, trained = fit(tmp_path / "broken", config)
    np.testing.assert_array_equal(weights(resumed), weights(undisturbed))
    histories = [
        [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in t.history.read_text().splitlines()]
        for t in (trained, expected)
    ]
    assert histories[0] == histories[1]
    assert (trained.epochs, trained.steps) == (4, 16)


class Kill9At(KillAt):
    def on_train_batch_end(self, batch, logs=None):
        try:
            super().on_train_batch_end(batch, logs)
        except Killed:
            os.kill(os.getpid(), signal.SIGKILL)


def fit_until_killed(work_dir):
    fit(work_dir, callbacks=[Kill9At(7)])


def test_kill_9_resumes(tmp_path):
    """A real SIGKILL in a real process, in the middle of an epoch."""
    with pytest.raises(Died, match="-9"):
        in_new_process(fit_until_killed, tmp_path / "work")
    resumed, _ = fit(tmp_path / "work")
    undisturbed, _ = fit(tmp_path / "whole")
    np.testing.assert_array_equal(weights(resumed), weights(undisturbed))


def test_same_seed_same_run(tmp_path):
    runs = [weights(fit(tmp_path / str(n))[0]) for n in range(2)]
    np.testing.assert_array_equal(*runs)


def test_other_users_of_pythons_random_do_not_change_the_weights():
    """Threads of Prefect draw from it whenever they wait."""

    def built(draws):
        with training.training_scope(TrainingConfig(), seed=3):
            for _ in range(draws):
                random.random()
            layer = keras.layers.LSTM(4, recurrent_dropout=0.5)
            layer.build((None, None, 3))
            return layer.get_weights(), np.asarray(layer.cell.seed_generator.state)

    for ours, theirs in zip(keras.tree.flatten(built(0)), keras.tree.flatten(built(2)), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_learns_and_keeps_the_best_epoch(tmp_path):
    values = iter([3.0, 1.0, 2.0, 5.0])
    seen = []

    def validate(model):
        seen.append(weights(model))
        return {"val_loss": next(values)}

    model, trained = fit(tmp_path, validate=validate)
    training.load_weights(model, trained.weights)
    np.testing.assert_array_equal(weights(model), seen[1])
    assert trained.metrics["val_loss"] == 1.0


def test_the_average_of_the_weights_is_validated_and_kept(tmp_path):
    """The first weights, then nine tenths of what it was and a tenth of the new ones; training goes on without it."""
    average, validated = [], []

    class Average(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            new = weights(self.model)
            average[:] = [0.9 * average[0] + 0.1 * new if average else new]
            latest[:] = [new]

        def on_epoch_begin(self, epoch, logs=None):
            if latest:
                np.testing.assert_array_equal(weights(self.model), latest[0])

    def validate(model):
        np.testing.assert_allclose(weights(model), average[0], rtol=1e-5)
        assert np.abs(weights(model) - latest[0]).max() > 1e-3
        validated.append(weights(model))
        return {"val_loss": -len(validated)}

    latest = []
    config = TrainingConfig(epochs=3, learning_rate=0.05, weight_average=0.9)
    model, trained = fit(tmp_path, config, [Average()], validate=validate)
    training.load_weights(model, trained.weights)
    np.testing.assert_array_equal(weights(model), validated[-1])


def test_a_checkpoint_of_another_optimizer_is_named(tmp_path):
    with pytest.raises(Killed):
        fit(tmp_path, TrainingConfig(optimizer="sgd", checkpoint_minutes=1e-9), [KillAt(2)])
    with pytest.raises(UserError, match=r"checkpoint.npz: holds .* variables.* start it with --fresh"):
        fit(tmp_path, TrainingConfig())


def test_early_stopping_and_plateau(tmp_path):
    config = TrainingConfig(
        epochs=50, learning_rate=0.08, decay="plateau", plateau_patience=2, early_stopping_patience=5
    )
    _, trained = fit(tmp_path, config, validate=lambda model: {"val_loss": 1.0})
    rates = [json.loads(line)["learning_rate"] for line in trained.history.read_text().splitlines()]
    assert trained.epochs == 6  # the first is best; five more without improvement
    np.testing.assert_allclose(rates, [0.08, 0.08, 0.08, 0.04, 0.04, 0.02])


def test_a_few_batches_are_the_same_every_epoch(tmp_path):
    config = TrainingConfig(epochs=40, learning_rate=0.05, limit_batches=1)
    with training.training_scope(config, seed=1):
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        trained = training.fit(
            model,
            LinearBatches(),
            squared_error,
            config=config,
            work_dir=tmp_path,
            validate=lambda m: {"val_loss": 0.0},
            monitor="val_loss",
            higher_is_better=False,
        )
    losses = [json.loads(line)["loss"] for line in trained.history.read_text().splitlines()]
    assert losses[-1] < 1e-2 * losses[0]
    assert trained.steps == 160


def test_max_steps_stops_within_an_epoch(tmp_path):
    _, trained = fit(tmp_path, TrainingConfig(epochs=4, max_steps=6))
    assert trained.steps == 6
    assert trained.epochs == 2


def test_a_loss_that_is_no_number_is_the_users_to_mend(tmp_path):
    class NaN(LinearBatches):
        def epoch(self, number):
            yield {"x": np.full((8, 3), np.nan, "float32"), "y": np.zeros(8, "float32")}

    with pytest.raises(UserError, match="training.learning_rate: the loss became nan at update 0"):
        fit(tmp_path, batches=NaN())


def test_keras_callbacks_work(tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            assert set(logs) == {"loss", "val_loss", "learning_rate"}
            self.model.stop_training = epoch == 1

    assert fit(tmp_path, callbacks=[Stop()])[1].epochs == 2


def test_training_says_how_far_it_is(tmp_path):
    """Which epoch and which batch, also in a run that is resumed; that it compiles, and that it validates."""
    seen = []

    def look(*_):
        *_, epoch, inner = watched.chain()
        seen.append(((epoch.done, epoch.total), (inner.what, inner.done, inner.total, inner.done_before), inner))
        return {"val_loss": 0.0}

    class Look(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            look()
            assert seen[-1][2].figures.keys() == {"loss"}
            notes.append(seen[-1][2].note)

    notes = []
    config = TrainingConfig(epochs=3, max_steps=6, checkpoint_minutes=1e-9)
    with activity.watched("test") as watched:
        with pytest.raises(Killed):
            fit(tmp_path, config, [KillAt(2)])
        assert [each.what for each in watched.chain()] == ["test"]
        fit(tmp_path, config, [Look()], validate=look)
    assert [epoch for epoch, _, _ in seen] == [(0, 2)] * 4 + [(1, 2)] * 3
    assert [inner for _, inner, _ in seen] == [
        ("batch", 1, 4, 1),
        ("batch", 2, 4, 1),
        ("batch", 3, 4, 1),
        ("validating", 0, None, 0),
        ("batch", 0, 2, 0),
        ("batch", 1, 2, 0),
        ("validating", 0, None, 0),
    ]
    assert notes == ["compiling", "", "", "", ""]
    assert (seen[0][2].speed_unit, seen[0][2].amount, seen[4][2].amount) == ("examples", 24.0, 16.0)


def resume_on_two_devices(directory):
    config = TrainingConfig(epochs=4, learning_rate=0.05, checkpoint_minutes=1e-9, strategy="mirrored", devices="2")
    undisturbed, _ = fit(directory / "whole", config)
    with pytest.raises(Killed):
        fit(directory / "broken", config, [KillAt(6)])
    resumed, trained = fit(directory / "broken", config)
    np.testing.assert_array_equal(weights(resumed), weights(undisturbed))
    assert (trained.epochs, trained.steps) == (4, 16)


def test_an_interrupted_run_on_two_devices_ends_as_an_undisturbed_one(tmp_path):
    """Dropout included, whose random numbers are every device's own."""
    in_new_process(resume_on_two_devices, tmp_path)
