"""Which devices a model is trained on."""

import logging

import keras
import numpy as np
import pytest
import tensorflow as tf
from new_process import in_new_process

from rnn_tasks import training
from rnn_tasks.config import TrainingConfig
from rnn_tasks.errors import UserError
from rnn_tasks.training.devices import on_first_device, separate_random_states

WITHOUT_GPU = pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="a machine without a GPU")


def mirrored(devices=""):
    return TrainingConfig(strategy="mirrored", devices=devices)


def claimed(*choices):
    """What each of the choices gives, one after the other in one process."""
    results = []
    for devices in choices:
        try:
            results.append(training.claim_devices(mirrored(devices)))
        except UserError as error:
            results.append(str(error))
    return results


@WITHOUT_GPU
def test_devices_are_chosen_among_what_is_there():
    too_late = (
        "training.devices: 4 needs 4 logical CPU devices; this process has used TensorFlow with 3 already, which "
        "cannot be changed any more: start a new one"
    )
    no_gpu = (
        "training.devices: there is no GPU:1 here; found CPU:0, CPU:1, CPU:2, and as many logical CPU devices as wanted"
    )
    assert in_new_process(claimed, "3", "cpu:2, CPU:0", "1", "", "4", "GPU:1") == [
        ["CPU:0", "CPU:1", "CPU:2"],
        ["CPU:2", "CPU:0"],
        ["CPU:0"],
        ["CPU:0", "CPU:1", "CPU:2"],
        too_late,
        no_gpu,
    ]


def test_without_a_strategy_nothing_is_claimed():
    assert training.claim_devices(TrainingConfig()) == []


def trained_weights(config):
    with training.training_scope(config, seed=3) as strategy:
        model = keras.Sequential([keras.Input((None,), dtype="int32"), keras.layers.Embedding(5, 2)])
        where = {weight.value.device for weight in model.weights}
        return strategy.num_replicas_in_sync, where, model.get_weights()


@WITHOUT_GPU
def test_one_device_is_no_strategy_and_says_so(caplog):
    with caplog.at_level(logging.INFO, logger="rnn_tasks"):
        trained_weights(TrainingConfig())
        assert caplog.messages == []
        with training.training_scope(mirrored(), seed=3):
            assert not tf.distribute.has_strategy()
    assert caplog.messages == ["training.strategy=mirrored: CPU:0 is the only device, training as without a strategy"]
    in_new_process(one_of_several_devices)


def one_of_several_devices():
    """The one that was asked for."""
    with training.training_scope(mirrored("CPU:1"), seed=3):
        assert keras.Variable([1.0]).value.device.endswith("CPU:1")
        assert not tf.distribute.has_strategy()


def test_what_a_mirrored_model_computes_outside_the_training_step():
    in_new_process(validate_and_draw)


def validate_and_draw():
    with training.training_scope(mirrored("2"), seed=3):
        ids = keras.Input((None,), dtype="int32")
        dropped = keras.layers.Dropout(0.5)(keras.layers.Embedding(5, 64)(ids))
        model = keras.Model(ids, keras.layers.GRU(3)(dropped))
        rows = np.array([[1, 2, 3], [4, 4, 1]], np.int32)
        with on_first_device():
            answers = training.forward(lambda batch: model(batch["ids"], training=False))({"ids": rows})
        separate_random_states(model)

        @tf.function
        def dropped_in_training():
            return keras.Model(ids, dropped)(rows, training=True)

        masks = [np.asarray(values) == 0 for values in strategy_results(dropped_in_training)]
    np.testing.assert_allclose(answers, plain_answers(model, rows), atol=1e-6)
    assert 0.3 < np.mean(masks[0]) < 0.7
    assert 0.3 < np.mean(masks[0] != masks[1]) < 0.7  # every device has masks of its own


def strategy_results(function):
    strategy = tf.distribute.get_strategy()
    return strategy.experimental_local_results(strategy.run(function))


def plain_answers(model, rows):
    plain = keras.Model.from_config(model.get_config())
    plain.set_weights(model.get_weights())
    return plain(rows)
