"""Streams of one text: every token once, states zero at document borders, and truncation that changes nothing."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tasks import models, training
from rnn_tasks.text.vocabulary import GO, PAD
from rnn_tasks.training.optimizers import build_optimizer
from rnn_tasks.training.step import compiled_step

VOCABULARY = 9


def text_of(lengths, seed=0):
    rng = np.random.default_rng(seed)
    ids = rng.integers(3, VOCABULARY, sum(lengths)).astype(np.int32)
    return ids, np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)


def small_model(**settings):
    return models.LanguageModel(VOCABULARY, units=5, embedding_dim=3, seed=2, **settings)


@pytest.mark.parametrize("lengths", [[100], [1], [7, 1, 30, 2, 60], [1] * 12])
@pytest.mark.parametrize(("streams", "time", "context"), [(1, 10, 0), (3, 7, 0), (4, 5, 6), (20, 3, 100)])
def test_every_token_is_a_target_once_behind_the_token_before(lengths, streams, time, context):
    ids, documents = text_of(lengths)
    seen = np.zeros(len(ids), int)
    batches = training.StreamBatches(ids, documents, streams, time, context)
    found = list(batches.epoch())
    assert len(found) == len(batches)
    for batch in found:
        assert batch["inputs"].shape == batch["targets"].shape == (streams, time)
        for row, column in np.argwhere(batch["targets"] != PAD):
            place = batch["starts"][row] + column
            seen[place] += 1
            assert batch["targets"][row, column] == ids[place]
            expected = GO if place in documents else ids[place - 1]
            assert batch["inputs"][row, column] == expected
            if place in documents:  # begins a row, from zeros
                assert column == 0
                assert batch["resets"][row]
    np.testing.assert_array_equal(seen, 1)


def test_a_row_goes_on_where_it_stopped_unless_it_is_reset():
    ids, documents = text_of([40, 25, 35])
    batches = list(training.StreamBatches(ids, documents, streams=2, time=8).epoch())
    for before, after in itertools.pairwise(batches):
        for row in np.flatnonzero(~after["resets"]):
            assert after["starts"][row] == before["starts"][row] + 8
            assert before["targets"][row, -1] == after["inputs"][row, 0]


def nats_step_by_step(model, ids, documents):
    """Read token by token, by the cells' own steps."""
    step, found = tf.function(model.step, autograph=False), []
    for place, token in enumerate(ids.tolist()):
        if place in documents:
            states, last = model.first_states(1), GO
        logits, states = step(tf.constant([last]), states)
        found.append(-float(tf.nn.log_softmax(logits)[0, token]))
        last = token
    return np.array(found)


@pytest.mark.parametrize("cell", ["lstm", "gru", "simple_rnn", "peephole_lstm", "irnn"])
@pytest.mark.parametrize(("streams", "context"), [(1, 0), (4, 200)])
def test_a_text_read_in_streams_is_the_text_read_step_by_step(cell, streams, context):
    model = small_model(cell=cell, layers=2, tied=cell == "gru")
    ids, documents = text_of([90, 1, 60])
    read = training.stream_reader(model, streams, context)(ids, documents)
    np.testing.assert_allclose(read.nats, nats_step_by_step(model, ids, documents), rtol=1e-4, atol=1e-5)


def test_a_uniform_model_has_as_much_perplexity_as_there_are_tokens_to_come():
    """All but `<pad>` and `<go>`."""
    model = small_model()
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    read = training.stream_reader(model, 3, 0)(*text_of([50, 50]))
    np.testing.assert_allclose(np.exp(read.nats), VOCABULARY - 2, rtol=1e-5)


def trained_weights(ids, documents, streams, time, updates=3):
    config = training_config()
    with training.training_scope(config, 1):
        model = small_model(layers=2)
        carried = keras.tree.map_structure(
            lambda state: keras.Variable(np.asarray(state), trainable=False), model.first_states(streams)
        )
        step = compiled_step(model, build_optimizer(config, model), stream_loss, config, carried)
        for batch in list(training.StreamBatches(ids, documents, streams, time).epoch())[:updates]:
            step(batch)
    return model.get_weights(), keras.tree.map_structure(np.asarray, carried)


def training_config():
    from rnn_tasks.config import TrainingConfig

    return TrainingConfig(optimizer="sgd", learning_rate=0.5, clip_norm=0)


def stream_loss(model, batch, is_training):
    hidden, after = model.hidden(
        batch["inputs"], training.reset_states(batch["carried"], batch["resets"]), training=is_training
    )
    return training.sequence_cross_entropy(model.logits(hidden), batch["targets"])._replace(carried=after)


def test_where_the_truncation_covers_the_text_the_gradient_is_that_of_full_backpropagation():
    ids, documents = text_of([24])
    truncated, _ = trained_weights(ids, documents, streams=1, time=30, updates=1)
    model = small_model(layers=2)
    with tf.GradientTape() as tape:
        states, losses = model.first_states(1), []
        for before, token in zip([GO, *ids[:-1].tolist()], ids.tolist(), strict=True):
            logits, states = model.step(tf.constant([before]), states)
            losses.append(-tf.nn.log_softmax(logits)[0, token])
        loss = tf.add_n(losses) / len(ids)
    gradients = tape.gradient(loss, model.trainable_weights)
    for weight, gradient, found in zip(model.trainable_weights, gradients, truncated, strict=True):
        np.testing.assert_allclose(found, weight.numpy() - 0.5 * tf.convert_to_tensor(gradient), atol=1e-5)


def test_truncation_shortens_gradients_alone():
    """The states that are carried are those of the whole text, whatever the truncation."""
    ids, documents = text_of([24])
    model = small_model(layers=2)
    hidden = {}
    for time in (6, 24):
        states, found = model.first_states(1), []
        for batch in training.StreamBatches(ids, documents, 1, time).epoch():
            states = training.reset_states(states, tf.constant(batch["resets"]))
            output, states = model.hidden(batch["inputs"], states)
            found.append(output.numpy()[0])
        hidden[time] = np.concatenate(found)
    np.testing.assert_allclose(hidden[6], hidden[24], atol=1e-6)


def test_a_streams_states_do_not_depend_on_its_neighbours():
    ids, documents = text_of([30, 20, 50])
    other = ids.copy()
    other[50:] = np.where(other[50:] == 3, 4, 3)  # the second stream's part
    one, two = (training.StreamBatches(text, documents, 2, 5).epoch() for text in (ids, other))
    model = small_model(layers=2)
    states = [model.first_states(2), model.first_states(2)]
    for batches in zip(one, two, strict=True):
        for number, batch in enumerate(batches):
            before = training.reset_states(states[number], tf.constant(batch["resets"]))
            _, states[number] = model.hidden(batch["inputs"], before)
        for ours, theirs in zip(*map(keras.tree.flatten, states), strict=True):
            np.testing.assert_array_equal(ours.numpy()[0], theirs.numpy()[0])
            assert np.any(ours.numpy()[1] != theirs.numpy()[1])


def test_dynamic_evaluation_predicts_before_it_learns_and_leaves_the_weights_as_they_were():
    ids, documents = text_of([300])
    model = small_model()
    before = model.get_weights()
    first = training.dynamic_nats(model, ids[:32], documents, rate=0.5)  # one piece: nothing is learned from yet
    read = training.stream_reader(model, 1, 0)
    np.testing.assert_allclose(first, read(ids[:32], documents).nats.mean(), rtol=1e-5)
    repeated = np.tile(ids[:4], 200)
    assert training.dynamic_nats(model, repeated, documents, rate=0.5) < read(repeated, documents).nats.mean() - 0.3
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("cell", ["lstm", "gru", "simple_rnn", "peephole_lstm"])
def test_weight_dropout_drops_recurrent_weights_and_scales_the_others(cell):
    """The gradient tells which are left; a model with twice these weights and no others gives the same."""
    model, plain = small_model(cell=cell, weight_dropout=0.5), small_model(cell=cell)
    ids = np.tile(text_of([6])[0], (3, 1))
    weight = model.recurrent[0].cell.recurrent_kernel
    with tf.GradientTape() as tape:
        hidden, _ = model.hidden(ids, training=True)
        loss = tf.reduce_sum(hidden**2)
    left = tf.convert_to_tensor(tape.gradient(loss, weight)).numpy() != 0
    assert 0.2 < left.mean() < 0.8  # of 25 or more; three deviations
    plain.recurrent[0].cell.recurrent_kernel.assign(np.where(left, 2 * weight.numpy(), 0))
    np.testing.assert_allclose(plain.hidden(ids)[0], hidden, atol=1e-6)
    np.testing.assert_allclose(model.hidden(ids)[0], small_model(cell=cell).hidden(ids)[0], atol=1e-6)


def test_forget_gates_start_where_they_are_told():
    for bias in (0.0, 1.0, 2.5):
        (layer,) = small_model(forget_bias=bias).recurrent
        np.testing.assert_array_equal(layer.cell.bias.numpy()[5:10], bias)


def test_an_initial_scale_is_where_all_weights_start():
    model = small_model(initial_scale=0.1, layers=2)
    for weight in model.trainable_weights:
        if len(weight.shape) > 1:
            assert 0.05 < np.abs(weight.numpy()).max() <= 0.1
