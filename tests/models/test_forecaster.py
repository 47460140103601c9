"""Forecasters: they begin as the naive forecast, look nowhere but back, and take any level."""

import keras
import numpy as np
import pytest

from rnn_tasks import models

SIZES = {"window": 12, "horizon": 5, "targets": 2, "covariates": 1, "known": 3, "parts": 3, "season": 4}
STACK = {
    "kernel_initializer": "default",
    "recurrent_initializer": "default",
    "layers": 1,
    "dropout": 0.0,
    "recurrent_dropout": 0.0,
    "pooling": "last",
}
WAYS = ("vector", "sequence", "encoder_decoder")


def model_of(way, **changes):
    settings = {"linear": True, "local_scaling": True, "cell": "gru", "units": 6, **SIZES, **STACK, **changes}
    return models.forecaster(way=way, **settings)


def batch_of(rng, rows=4):
    return {
        "inputs": rng.normal(size=(rows, 12, 3)).astype("float32"),
        "known": rng.normal(size=(rows, 17, 3)).astype("float32"),
    }


def head_of(model):
    return next(one for name in ("forecast", "logits") for one in model.layers if one.name == name)


@pytest.mark.parametrize("way", WAYS)
def test_without_its_recurrent_part_it_is_the_seasonal_naive(way):
    model = model_of(way)
    for layer in model.layers:
        if layer.name in ("forecast", "ahead_forecast") or (layer.name == "logits" and head_of(model) is layer):
            layer.set_weights([0 * weight for weight in layer.get_weights()])
    batch = batch_of(np.random.default_rng(1))
    found = np.asarray(model(batch))
    last = found[:, -1] if way == "sequence" else found
    assert last.shape == (4, 5, 2, 3)
    season = batch["inputs"][:, [8, 9, 10, 11, 8], :2]
    np.testing.assert_allclose(last, np.repeat(season[..., None], 3, axis=-1), atol=1e-5)


@pytest.mark.parametrize("way", ["vector", "encoder_decoder"])
def test_level_and_spread_of_a_window_pass_through(way):
    model = model_of(way)
    batch = batch_of(np.random.default_rng(2))
    moved = {"inputs": batch["inputs"] * [10, 10, 1] + [7, 7, 0], "known": batch["known"]}
    np.testing.assert_allclose(model(moved), 10 * np.asarray(model(batch)) + 7, rtol=1e-3, atol=1e-3)


def test_an_answer_at_every_step_knows_nothing_of_later_ones():
    model = model_of("sequence")
    batch = batch_of(np.random.default_rng(3))
    other = {"inputs": batch["inputs"].copy(), "known": batch["known"].copy()}
    other["inputs"][:, 8:] += 5
    other["known"][:, 13:] += 5  # of steps behind the horizon of step 7
    np.testing.assert_allclose(np.asarray(model(batch))[:, :8], np.asarray(model(other))[:, :8], atol=1e-5)
    assert np.abs(np.asarray(model(batch))[:, 8] - np.asarray(model(other))[:, 8]).max() > 0.01


@pytest.mark.parametrize("way", ["vector", "encoder_decoder"])
def test_segments_hold_every_step_and_fewer_are_read(way):
    """12 steps in segments of 5: the two oldest are left to the linear path."""
    model = model_of(way, segment=5, linear=False, local_scaling=False)
    assert model.get_layer("gru_1").input.shape == (None, 2, 5 * 3 + 3)
    batch = batch_of(np.random.default_rng(6))
    before = np.asarray(model(batch))
    for step in range(12):
        inputs = batch["inputs"].copy()
        inputs[:, step] += 1
        moved = np.abs(np.asarray(model({**batch, "inputs": inputs})) - before).max()
        assert (moved > 1e-5) == (step >= 2)


@pytest.mark.parametrize("way", WAYS)
def test_it_reads_what_is_known_of_every_step_ahead(way):
    model = model_of(way)
    batch = batch_of(np.random.default_rng(4))
    before = np.asarray(model(batch))
    for step in range(12, 17):
        known = batch["known"].copy()
        known[:, step] += 1
        assert np.abs(np.asarray(model({**batch, "known": known})) - before).max() > 1e-4


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("changes", [{}, {"linear": False, "segment": 4}, {"local_scaling": False, "known": 0}])
def test_saved_and_loaded_it_answers_the_same(way, changes, tmp_path):
    model = model_of(way, **changes)
    batch = batch_of(np.random.default_rng(5))
    batch = {name: batch[name] for name in model.input}
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "model.keras")(batch), model(batch))


def deviations_of(model, batch):
    """Of a normal distribution: (batch, [window,] horizon, targets)."""
    return np.exp(np.asarray(model(batch))[..., 1])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("local", [True, False])
def test_the_linear_path_and_the_level_of_a_window_move_the_mean_alone(way, local):
    model = model_of(way, parts=2, deviations=1, local_scaling=local)
    batch = batch_of(np.random.default_rng(7))
    before = np.asarray(model(batch))
    path = model.get_layer("linear")
    path.set_weights([2 * weight for weight in path.get_weights()])
    after = np.asarray(model(batch))
    np.testing.assert_array_equal(after[..., 1], before[..., 1])
    assert np.abs(after[..., 0] - before[..., 0]).max() > 0.1
    if local:
        moved = {**batch, "inputs": batch["inputs"] + np.float32([7, 7, 0])}
        np.testing.assert_allclose(deviations_of(model, moved), deviations_of(model, batch), rtol=1e-4)
        path.set_weights([weight / 2 for weight in path.get_weights()])
        np.testing.assert_allclose(np.asarray(model(moved))[..., 0], before[..., 0] + 7, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("way", ["vector", "encoder_decoder"])
def test_a_deviation_grows_with_the_spread_of_its_window(way):
    model = model_of(way, parts=2, deviations=1)
    batch = batch_of(np.random.default_rng(8))
    wide = {**batch, "inputs": batch["inputs"] * np.float32([10, 10, 1])}
    np.testing.assert_allclose(deviations_of(model, wide), 10 * deviations_of(model, batch), rtol=1e-3)
