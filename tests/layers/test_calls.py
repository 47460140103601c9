"""Layers under many callers at once: each gets what it would get alone, and leaves nothing behind."""

import asyncio
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tasks import layers
from rnn_tasks.layers import (
    RNN,
    AttentionWrapper,
    BahdanauAttention,
    DropoutWrapper,
    LSTMCell,
    LuongAttention,
    MultiRNNCell,
    ResidualWrapper,
)

THREADS, WIDTH = 6, 4


@pytest.fixture(autouse=True)
def impatient():
    """Threads take turns every 0.1 ms instead of every 5: what can go wrong between them, does."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    yield
    sys.setswitchinterval(before)


def together(calls, rounds):
    """Each call in a thread of its own, all at once, `rounds` times: the results of each."""
    start = threading.Barrier(len(calls))

    def repeated(call):
        start.wait()
        return [call() for _ in range(rounds)]

    with ThreadPoolExecutor(len(calls)) as threads:
        return [running.result() for running in [threads.submit(repeated, call) for call in calls]]


def agree(found, wanted):
    for one, other in zip(keras.tree.flatten(found), keras.tree.flatten(wanted), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def requests():
    """Inputs and memories (batch, …, WIDTH) of other sizes and numbers for each caller."""
    random = np.random.default_rng(0)
    return [
        (
            tf.constant(random.normal(size=(2 + i % 3, 5, WIDTH)), tf.float32),
            tf.constant(random.normal(size=(2 + i % 3, 2 + i % 4, WIDTH)), tf.float32),
        )
        for i in range(THREADS)
    ]


def unrolled(layer, x, memory):
    return RNN(layer.cell, unroll=True)(x, memory=memory)


def by_hand(layer, x, memory):
    cell = layer.cell
    with cell.attending(cell.project(memory)):
        states = cell.get_initial_state(x.shape[0])
        for t in range(x.shape[1]):
            output, states = cell(x[:, t], states)
    return output


def set_up(layer, x, memory):
    layer.cell.setup_memory(memory)
    return layer(x)


def gradients(layer, x, memory):
    with tf.GradientTape() as tape:
        tape.watch(memory)
        loss = tf.reduce_sum(layer(x, memory=memory, training=True) ** 2)
    return tape.gradient(loss, [memory, *[weight.value for weight in layer.trainable_weights]])


def recomputed(layer, x, memory):
    with tf.GradientTape() as tape:
        tape.watch(memory)
        loss = tf.reduce_sum(tf.recompute_grad(lambda memory: layer(x, memory=memory))(memory) ** 2)
    return tape.gradient(loss, memory)


WAYS = {
    "eager": lambda layer, x, memory: layer(x, memory=memory),
    "unrolled": unrolled,
    "by hand": by_hand,
    "set up": set_up,
    "gradients": gradients,
    "recomputed": recomputed,
    "traced": lambda layer, x, memory: tf.function(lambda x, memory: layer(x, memory=memory))(x, memory),
}


@pytest.mark.parametrize("way", WAYS)
def test_each_caller_attends_to_its_own_memory(way):
    layer = RNN(AttentionWrapper(LSTMCell(WIDTH), LuongAttention(WIDTH), attention_units=WIDTH))
    calls = [lambda x=x, memory=memory: WAYS[way](layer, x, memory) for x, memory in requests()]
    layer.build(requests()[0][0].shape, memory_shape=requests()[0][1].shape)
    wanted = [call() for call in calls]
    layer.cell.drop_memory()
    for found, one in zip(together(calls, {"eager": 20, "traced": 2}.get(way, 4)), wanted, strict=True):
        agree(found, [one] * len(found))
    with pytest.raises(ValueError, match="has no memory"):
        layer(requests()[0][0])


def attending(**options):
    return AttentionWrapper(LSTMCell(WIDTH), BahdanauAttention(3), WIDTH, **options)


NESTS = {
    "stack": lambda: MultiRNNCell(
        [attending(), ResidualWrapper(AttentionWrapper(LSTMCell(WIDTH), LuongAttention(WIDTH)))]
    ),
    "dropout": lambda: DropoutWrapper(attending(), 0.5, variational_recurrent=True),
    "not fed": lambda: attending(input_feeding=False),
}


@pytest.mark.parametrize("nest", NESTS)
def test_functional_models(nest):
    queries, memory = keras.Input((None, WIDTH)), keras.Input((None, WIDTH))
    model = keras.Model([queries, memory], RNN(NESTS[nest]())(queries, memory=memory))
    calls = [lambda given=given: model(list(given)) for given in requests()]
    wanted = [call() for call in calls]
    for found, one in zip(together(calls, 4), wanted, strict=True):
        agree(found, [one] * len(found))


class Echo(keras.layers.Layer):
    """Its inputs are its outputs."""

    state_size = WIDTH

    def call(self, inputs, states):
        return inputs, states


def wrapped_echo(**options):
    return RNN(DropoutWrapper(Echo(), 0.5, variational_recurrent=True, **options), return_sequences=True)


def shared_over_time(outputs):
    """Outputs (batch, time, …) of inputs of ones: the same at every step, and some are dropped."""
    outputs = np.asarray(outputs)
    np.testing.assert_array_equal(outputs, np.broadcast_to(outputs[:, :1], outputs.shape))
    assert 0 < np.mean(outputs == 0) < 1


DROPPING = {
    "wrapper": wrapped_echo,
    "wrapper, step by step": lambda: wrapped_echo(state_keep_prob=0.5),
    "wrapper in Keras' layer": lambda: keras.layers.RNN(wrapped_echo().cell, return_sequences=True),
}


@pytest.mark.parametrize("kind", DROPPING)
@pytest.mark.parametrize("way", ["eager", "traced"])
def test_masks_of_a_sequence_are_of_one_call(kind, way):
    """Batches of other sizes would not even fit each other's masks; callers without dropout see none."""
    layer = DROPPING[kind]()
    layer.build((None, 6, WIDTH))

    def call(batch, training):
        ones = tf.ones((batch, 6, WIDTH))
        run = tf.function(layer) if way == "traced" else layer
        outputs = run(ones, training=training)
        if training:
            shared_over_time(outputs)
        else:
            np.testing.assert_array_equal(outputs, ones)
        return outputs.shape[0]

    batches = [20, 21, 22, 20, 20, 21]
    found = together([lambda i=i: call(batches[i], training=i < 4) for i in range(6)], 2 if way == "traced" else 5)
    assert found == [[batch] * len(found[0]) for batch in batches]


CELLS_THAT_DROP = {
    "ours": lambda: RNN(LSTMCell(WIDTH, dropout=0.5, recurrent_dropout=0.5)),
    "ours without kernel": lambda: RNN(layers.LayerNormLSTMCell(WIDTH, dropout=0.5, recurrent_dropout=0.5)),
    "ours in Keras' layer": lambda: keras.layers.RNN(layers.GRUCell(WIDTH, dropout=0.5, recurrent_dropout=0.5)),
    "of Keras": lambda: RNN(keras.layers.GRUCell(WIDTH, dropout=0.5, recurrent_dropout=0.5)),
    "of Keras, wrapped": lambda: keras.layers.RNN(ResidualWrapper(keras.layers.LSTMCell(WIDTH, dropout=0.5))),
    "of Keras, stacked": lambda: keras.layers.RNN(MultiRNNCell([keras.layers.LSTMCell(WIDTH, dropout=0.5)])),
    "layer": lambda: layers.LSTM(WIDTH, dropout=0.5, recurrent_dropout=0.5),
    "layer without kernel": lambda: layers.GRU(WIDTH, dropout=0.5, activation="elu"),
    "both ways": lambda: layers.Bidirectional(layers.SimpleRNN(WIDTH, dropout=0.5, recurrent_dropout=0.5)),
}


@pytest.mark.parametrize("kind", CELLS_THAT_DROP)
def test_masks_of_cells_are_of_one_call(kind):
    layer = CELLS_THAT_DROP[kind]()
    layer.build((None, 3, WIDTH))
    data = [np.random.default_rng(i).normal(size=(2 + i, 3, WIDTH)).astype("float32") for i in range(THREADS)]
    sure = [layer(x) for x in data]

    def call(i):
        trains = i % 2 == 0
        outputs = np.asarray(layer(data[i], training=trains))
        if not trains:
            np.testing.assert_allclose(outputs, sure[i], atol=1e-5)
        return outputs.shape[0]

    assert together([lambda i=i: call(i) for i in range(THREADS)], 6) == [[2 + i] * 6 for i in range(THREADS)]


def test_what_a_failing_call_drew_is_forgotten():
    for layer in [wrapped_echo(), layers.LSTM(WIDTH, dropout=0.5), RNN(LSTMCell(WIDTH, dropout=0.5))]:
        layer.build((None, 3, WIDTH))
        states = [tf.zeros((2, 3))] * len(keras.tree.flatten(layer.cell.state_size))
        for function in (layer, tf.function(layer)):
            with pytest.raises(ValueError):
                function(tf.ones((2, 3, WIDTH)), initial_state=states, training=True)
            assert layer(tf.ones((5, 3, WIDTH)), training=True).shape[0] == 5


def test_a_sequence_begun_by_hand_goes_on_after_another():
    layer = wrapped_echo()
    layer.build((None, 3, WIDTH))
    ones, states = tf.ones((20, WIDTH)), [tf.zeros((20, WIDTH))]
    steps = []
    for _ in range(3):
        steps.append(layer.cell(ones, states, training=True)[0])
        shared_over_time(layer(tf.ones((7, 2, WIDTH)), training=True))
        assert np.all(layer(tf.ones((7, 2, WIDTH))) == 1)
    shared_over_time(tf.stack(steps, axis=1))
    layer.cell.reset_dropout_mask()
    assert np.any(layer.cell(ones, states, training=True)[0] != steps[0])
    layer.cell.reset_dropout_mask()


def test_tasks_of_one_thread():
    """As in a server of coroutines: each attends to its own memory, however they take turns."""
    layer = RNN(attending())
    wanted = [layer(x, memory=memory) for x, memory in requests()]

    async def call(x, memory):
        with layer.cell.attending(layer.cell.project(memory)):
            await asyncio.sleep(0)
            return layer(x)

    async def all_of_them():
        return await asyncio.gather(*[call(*given) for given in requests()])

    agree(asyncio.run(all_of_them()), wanted)


@pytest.mark.parametrize(
    "layer",
    [
        lambda: RNN(MultiRNNCell([LSTMCell(WIDTH), attending()])),
        lambda: layers.LSTM(WIDTH),
        lambda: layers.Bidirectional(layers.GRU(WIDTH)),
    ],
    ids=["rnn", "lstm", "both ways"],
)
def test_first_calls_at_once_make_one_set_of_weights(layer):
    for _ in range(4):
        layer_of_all = layer()
        given = {"memory": requests()[0][1]} if isinstance(layer_of_all, RNN) else {}
        calls = [lambda: layer_of_all(requests()[0][0], **given)] * THREADS  # noqa: B023
        found = together(calls, 1)
        agree(found, [[layer_of_all(requests()[0][0], **given)]] * THREADS)
