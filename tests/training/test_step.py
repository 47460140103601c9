"""One update on several devices is the update on one."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from new_process import in_new_process

from rnn_tasks import training
from rnn_tasks.config import TrainingConfig
from rnn_tasks.training.optimizers import averaged_weights, build_optimizer
from rnn_tasks.training.step import compiled_step

IDS = np.array([[1, 2, 3], [4, 4, 0], [5, 6, 7], [1, 0, 0], [2, 3, 0], [8, 1, 1], [9, 9, 9]], np.int32)


def model():
    """Looks words up, and has weights that the loss does not depend on."""
    ids = keras.Input((None,), dtype="int32")
    mean = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(10, 4, mask_zero=True)(ids))
    idle = keras.layers.Dense(2, name="idle")(mean)
    return keras.Model(ids, [keras.layers.Dense(1)(keras.layers.Dense(5, "tanh")(mean)), idle])


def loss(model, batch, is_training):
    errors = (tf.cast(model(batch["ids"], training=is_training)[0][:, 0], tf.float32) - batch["y"]) ** 2
    return training.StepLoss(tf.reduce_sum(errors * batch["weights"]), tf.reduce_sum(batch["weights"]))


def batch(rows, weights=None):
    ids = IDS[:rows]
    weights = np.ones(rows) if weights is None else weights
    return {"ids": ids, "y": np.sum(ids, 1).astype("float32"), "weights": np.asarray(weights, "float32")}


BATCHES = [
    batch(6),
    batch(7),  # an uneven split
    batch(2),  # fewer rows than devices
    batch(1),
    batch(6, [1, 0, 1, 1, 0, 1]),  # on three devices the second has no row that counts
    batch(6, [0] * 6),
    batch(4, [0.25, 0, 0, 0]),
]
AGAIN = [BATCHES[1]] * 2  # what is remembered from update to update counts


SETTINGS = {  # settings, devices, batches, tolerances of losses and of weights
    "clipped": ({}, 3, BATCHES, 1e-5, 1e-6),
    "not clipped": ({"clip_norm": 0.0}, 2, AGAIN, 1e-5, 1e-6),
    "XLA": ({"jit_compile": True}, 2, BATCHES[1:2], 1e-5, 1e-6),
    "float16": ({"precision": "mixed_float16"}, 2, AGAIN, 1e-3, 1e-3),
    "adamw": ({"optimizer": "adamw", "weight_decay": 0.1, "weight_average": 0.9}, 2, AGAIN, 1e-5, 1e-6),
    "nadam": ({"optimizer": "nadam"}, 2, AGAIN, 1e-5, 1e-6),
    "rmsprop": ({"optimizer": "rmsprop"}, 2, AGAIN, 1e-5, 1e-6),
    "sgd": ({"optimizer": "sgd", "momentum": 0.9}, 2, AGAIN, 1e-5, 1e-6),
    "adagrad": ({"optimizer": "adagrad"}, 2, AGAIN, 1e-5, 1e-6),
    "bfloat16": ({"precision": "mixed_bfloat16"}, 2, AGAIN, 1e-3, 1e-3),
}


def losses_and_weights(devices, settings, batches):
    """Of one update with each of the batches."""
    mirrored = {"strategy": "mirrored", "devices": str(devices)} if devices > 1 else {}
    config = TrainingConfig(learning_rate=0.01, **{"clip_norm": 0.7, **settings, **mirrored})
    with training.training_scope(config, seed=3) as strategy:
        assert strategy.num_replicas_in_sync == devices
        built = model()
        optimizer = build_optimizer(config, built)
        step = compiled_step(built, optimizer, loss, config)
        results = [[float(part) for part in step(each)] for each in batches]
        with averaged_weights(built, optimizer, config):
            return results, [np.asarray(weight) for weight in built.weights]


def on_one_and_on_several():
    training.claim_devices(TrainingConfig(strategy="mirrored", devices="3"))
    return {
        name: [losses_and_weights(count, settings, batches) for count in (1, devices)]
        for name, (settings, devices, batches, *_) in SETTINGS.items()
    }


@pytest.fixture(scope="module")
def computed():
    """All of SETTINGS, in one process."""
    return in_new_process(on_one_and_on_several)


@pytest.mark.parametrize("name", SETTINGS)
def test_several_devices_update_as_one(name, computed):
    *_, losses_alike, weights_alike = SETTINGS[name]
    (results, weights), (their_results, their_weights) = computed[name]
    assert all(total > 0 for total, weight in results if weight)
    np.testing.assert_allclose(their_results, results, rtol=losses_alike)
    for ours, theirs in zip(weights, their_weights, strict=True):
        np.testing.assert_allclose(theirs, ours, atol=weights_alike)


def test_momentum_and_weight_decay_are_as_published():
    """Sutskever et al. 2013, equations 1 and 2; Loshchilov and Hutter 2019, algorithm 2, where no gradient is."""
    sgd = TrainingConfig(optimizer="sgd", momentum=0.9, learning_rate=0.1, clip_norm=0.0)
    adamw = TrainingConfig(optimizer="adamw", weight_decay=0.5, learning_rate=0.1, clip_norm=0.0)
    np.testing.assert_allclose(after_updates(sgd, 1.0, gradient=1.0), [0.9, 0.9 - 0.19, 0.71 - 0.271], rtol=1e-6)
    np.testing.assert_allclose(after_updates(adamw, 1.0, gradient=0.0), [0.95, 0.95**2, 0.95**3], rtol=1e-6)
    unsaid = TrainingConfig(optimizer="adamw", learning_rate=0.1, clip_norm=0.0)
    np.testing.assert_allclose(after_updates(unsaid, 1.0, gradient=0.0)[0], 1 - 0.1 * 0.004, rtol=1e-6)  # Keras' own


def after_updates(config, start, gradient):
    scalar = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    scalar.set_weights([np.full((1, 1), start)])
    step = compiled_step(
        scalar,
        build_optimizer(config, scalar),
        lambda model, batch, _: training.StepLoss(gradient * tf.reduce_sum(model(batch["x"])), tf.constant(1.0)),
        config,
    )
    seen = []
    for _ in range(3):
        step({"x": np.ones((1, 1), "float32")})
        seen.append(float(scalar.get_weights()[0][0, 0]))
    return seen


def test_a_word_that_occurs_twice_moves_no_farther_than_another():
    """Adam's first step is the learning rate whatever the gradient, which a look-up gives in parts."""
    config = TrainingConfig(learning_rate=0.01, clip_norm=0.0)
    table = keras.Sequential([keras.Input((None,), dtype="int32"), keras.layers.Embedding(4, 3)])
    before = table.get_weights()[0]
    step = compiled_step(
        table,
        build_optimizer(config, table),
        lambda model, batch, is_training: training.StepLoss(tf.reduce_sum(model(batch["ids"])), tf.constant(1.0)),
        config,
    )
    step({"ids": np.array([[1, 2, 1, 1]], np.int32)})
    moved = before - table.get_weights()[0]
    np.testing.assert_allclose(moved, 0.01 * np.array([[0], [1], [1], [0]]) * np.ones(3), atol=1e-6)
