"""Dropout around cells: how much is dropped, when the masks change, and whether gradients see the same ones."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tasks.layers import (
    RNN,
    AttentionWrapper,
    DropoutWrapper,
    InputProjectionWrapper,
    LSTMCell,
    LuongAttention,
    MultiRNNCell,
    ResidualWrapper,
)

KINDS = pytest.mark.parametrize("kind", ["input_keep_prob", "output_keep_prob", "state_keep_prob"])
WAYS = pytest.mark.parametrize("way", ["run", "unrolled", "keras", "graph"])
WIDTH = 3


class Echo(keras.layers.Layer):
    """output = [input, state]; the new state is ones: what is not 1 in the outputs was dropped or scaled."""

    state_size, output_size = WIDTH, 2 * WIDTH

    def call(self, inputs, states):
        return tf.concat([inputs, states[0]], axis=-1), [tf.ones_like(states[0])]


def masks(kind, keep=0.7, batch=50, time=40, way="run", training=True, cell=None, **options):
    """The masks (batch, time, width), with 0 where something was dropped and 1 / keep where it was kept."""
    wrapper = cell or DropoutWrapper(Echo(), **{kind: keep}, **options)
    layer = (keras.layers.RNN if way == "keras" else RNN)(wrapper, return_sequences=True, unroll=way == "unrolled")
    call = tf.function(layer) if way in ("graph", "keras") else layer
    first = [tf.ones((batch, WIDTH))]
    outputs = call(tf.ones((batch, time, WIDTH)), initial_state=first, training=training).numpy()
    if kind == "state_keep_prob":
        assert np.all(outputs[:, 0, WIDTH:] == 1)  # what is given is not dropped, only what a step leaves
        return outputs[:, 1:, WIDTH:]
    return outputs[:, :, :WIDTH] if kind == "input_keep_prob" else outputs


@KINDS
@WAYS
def test_shares_scaling_and_masks_of_each_step(kind, way):
    batch, time = (50, 40) if way in ("run", "graph") else (200, 10)
    drawn = masks(kind, batch=batch, time=time, way=way, seed=5)
    assert set(np.unique(drawn)) == {np.float32(0), np.float32(1 / 0.7)}
    assert np.mean(drawn > 0) == pytest.approx(0.7, abs=4 * (0.21 / drawn.size) ** 0.5)
    agreement = np.mean((drawn[:, 1:] > 0) == (drawn[:, :-1] > 0))  # of independent steps: 0.7² + 0.3² of them
    assert agreement == pytest.approx(0.58, abs=0.04)


@KINDS
@WAYS
def test_one_mask_a_sequence_when_variational(kind, way):
    options = {"way": way, "variational_recurrent": True, "seed": 5}
    drawn = masks(kind, batch=400, time=4, **options)
    np.testing.assert_array_equal(drawn, np.broadcast_to(drawn[:, :1], drawn.shape))
    assert np.mean(drawn > 0) == pytest.approx(0.7, abs=0.06)
    assert 0.4 < np.mean((drawn[1:, 0] > 0) == (drawn[:-1, 0] > 0)) < 0.7  # but each sample has its own
    np.testing.assert_array_equal(drawn, masks(kind, batch=400, time=4, **options | {"way": "run"}))


@KINDS
def test_off_at_inference_and_where_all_is_kept(kind):
    for variational in (False, True):
        assert np.all(masks(kind, training=False, variational_recurrent=variational) == 1)
        assert np.all(masks(kind, keep=1.0, variational_recurrent=variational) == 1)


@KINDS
@pytest.mark.parametrize("variational", [False, True])
def test_the_seed_decides_and_every_sequence_draws_anew(kind, variational):
    cells = [DropoutWrapper(Echo(), **{kind: 0.5}, variational_recurrent=variational, seed=seed) for seed in (1, 1, 2)]
    first, same, other = (masks(kind, cell=cell) for cell in cells)
    np.testing.assert_array_equal(first, same)
    for drawn in (other, masks(kind, cell=cells[0])):
        assert 0.4 < np.mean(first == drawn) < 0.6


def test_inputs_and_outputs_have_masks_of_their_own():
    class Same(Echo):
        output_size = WIDTH

        def call(self, inputs, states):
            return inputs, states

    cell = DropoutWrapper(Same(), 0.5, 0.5, seed=1)
    kept = RNN(cell, return_sequences=True)(tf.ones((100, 20, WIDTH)), training=True).numpy()
    assert set(np.unique(kept)) == {0, 4}
    assert np.mean(kept > 0) == pytest.approx(0.25, abs=0.03)


def test_an_lstm_keeps_what_it_remembers():
    wrapper = DropoutWrapper(MultiRNNCell([LSTMCell(40), keras.layers.GRUCell(40)]), state_keep_prob=0.5, seed=3)
    _, (h, c), (g,) = RNN(wrapper, return_state=True)(tf.ones((9, 4, 2)), training=True)
    assert np.all(c != 0)
    assert np.mean(h == 0) == pytest.approx(0.5, abs=0.1)
    assert np.mean(g == 0) == pytest.approx(0.5, abs=0.1)
    chosen = DropoutWrapper(LSTMCell(40), state_keep_prob=0.5, state_filter=[False, True])
    _, h, c = RNN(chosen, return_state=True)(tf.ones((9, 4, 2)), training=True)
    assert np.all(h != 0)
    assert np.mean(c == 0) == pytest.approx(0.5, abs=0.1)
    inside = DropoutWrapper(AttentionWrapper(LSTMCell(40), LuongAttention(40), 5), state_keep_prob=0.5)
    memory = tf.random.stateless_normal((9, 3, 2), (1, 2))
    _, (h, c), attention, alignment = RNN(inside, return_state=True)(tf.ones((9, 4, 2)), memory=memory, training=True)
    assert np.mean(h == 0) == pytest.approx(0.5, abs=0.1)
    assert all(np.all(state != 0) for state in (c, attention, alignment))


@pytest.mark.parametrize("variational", [False, True], ids=["each step", "variational"])
@pytest.mark.parametrize(
    ("way", "state_keep_prob"), [("eager", 1.0), ("eager", 0.6), ("graph", 0.6), ("compiled", 0.6)]
)
def test_gradients_see_the_masks_of_the_forward_pass(way, variational, state_keep_prob):
    """They are the slopes, in float64, of a function that draws the same masks at each call."""
    inner = ResidualWrapper(LSTMCell(4, dtype="float64"), dtype="float64")
    wrapper = DropoutWrapper(inner, 0.7, 0.7, state_keep_prob, variational, seed=7, dtype="float64")
    layer = RNN(wrapper, dtype="float64")
    random = np.random.default_rng(0)
    inputs, mask = random.normal(size=(3, 4, 4)), np.array([[1, 1, 1, 1], [1, 0, 1, 0], [0, 0, 0, 0]], bool)
    layer.build(inputs.shape)
    seed = wrapper.seed_generator.state.numpy()
    weights = [weight.value for weight in layer.trainable_weights]

    def gradients(inputs):
        wrapper.seed_generator.state.assign(seed)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            loss = tf.reduce_sum(layer(inputs, mask=mask, training=True) ** 2)
        return loss, tape.gradient(loss, [inputs, *weights])

    call = gradients if way == "eager" else tf.function(gradients, jit_compile=way == "compiled")
    found = call(tf.constant(inputs))[1]
    direction = [random.normal(size=gradient.shape) for gradient in found]
    values = [weight.numpy() for weight in weights]
    losses = []
    for sign in (1, -1):
        for weight, value, d in zip(weights, values, direction[1:], strict=True):
            weight.assign(value + sign * 1e-6 * d)
        losses.append(call(tf.constant(inputs + sign * 1e-6 * direction[0]))[0])
    slope = sum(np.sum(gradient * d) for gradient, d in zip(found, direction, strict=True))
    np.testing.assert_allclose(slope, (losses[0] - losses[1]) / 2e-6, rtol=1e-6)


@pytest.mark.parametrize("layer", [RNN, keras.layers.RNN])
def test_dropout_of_kerass_own_cells_works_inside_wrappers(layer):
    """Their masks are drawn before the loop, once a sequence, and are forgotten after it."""

    def cell():
        inner = keras.layers.LSTMCell(4, dropout=0.5, recurrent_dropout=0.5, seed=3)
        return ResidualWrapper(InputProjectionWrapper(inner, 2))

    rnn = layer(cell())
    inputs = tf.random.stateless_normal((3, 5, 4), (1, 2))
    graph = tf.function(lambda x: rnn(x, training=True))
    first, second = graph(inputs).numpy(), graph(inputs).numpy()
    assert not np.allclose(first, second)
    again = layer(cell(), unroll=True)
    again.build(inputs.shape)
    again.set_weights(rnn.get_weights())
    np.testing.assert_allclose(again(inputs, training=True), first, atol=1e-6)
    np.testing.assert_allclose(again(inputs), rnn(inputs), atol=1e-6)


@pytest.mark.parametrize("share", [0.0, 1.5, -1])
def test_impossible_shares_are_named(share):
    with pytest.raises(ValueError, match=f"state_keep_prob is a share above 0 and up to 1; found {share}"):
        DropoutWrapper(LSTMCell(3), state_keep_prob=share)


def test_a_filter_that_does_not_fit_is_named():
    with pytest.raises(ValueError, match="state_filter of 3 for a cell with 2 states"):
        DropoutWrapper(LSTMCell(3), state_filter=[True, False, True])
