"""The fast layers against Keras' own: outputs, states and every gradient."""

from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tasks import layers
from rnn_tasks.layers import cell_run
from rnn_tasks.layers.fused import choose_for_layer
from rnn_tasks.layers.kernels.build import library
from rnn_tasks.layers.kernels.native import recur_natively

pytestmark = pytest.mark.usefixtures("loop_wherever_it_can")

PAIRS = [
    (layers.LSTM, keras.layers.LSTM),
    (layers.GRU, keras.layers.GRU),
    (layers.SimpleRNN, keras.layers.SimpleRNN),
]
GRUS_RESET_BEFORE = [partial(package.GRU, reset_after=False) for package in (layers, keras.layers)]
ALL_PAIRS = [*PAIRS, pytest.param(*GRUS_RESET_BEFORE, id="GRU reset before")]
BATCH, TIME, FEATURES, UNITS = 4, 7, 5, 6
RIGHT_PADDED = np.arange(TIME) < np.array([[7], [3], [1], [5]])
HOLES = np.array([[1, 0, 1, 1, 0, 1, 0], [1, 1, 1, 1, 1, 1, 1], [1, 0, 0, 0, 0, 0, 0], [1, 0, 1, 0, 1, 0, 1]], bool)


def twins(ours, theirs, **options):
    fast, slow = (kind(UNITS, bias_initializer="random_normal", **options) for kind in (ours, theirs))
    for layer in (fast, slow):
        layer.build((BATCH, TIME, FEATURES))
    slow.set_weights(fast.get_weights())
    return fast, slow


def outcome(layer, inputs, states, mask):
    """Outputs and states in training; the gradients of a random projection of them to inputs, states and weights."""
    with tf.GradientTape() as tape:
        tape.watch([inputs, *states])
        results = tf.nest.flatten(layer(inputs, initial_state=list(states) or None, mask=mask, training=True))
        random = np.random.default_rng(5)
        target = tf.add_n([tf.reduce_sum(result * random.normal(size=result.shape)) for result in results])
    return results, tape.gradient(target, [inputs, *states, *[v.value for v in layer.trainable_variables]])


def without_native(monkeypatch):
    monkeypatch.setattr(cell_run, "reason_against", lambda dtype, training: "this test asks for the other")


@pytest.mark.parametrize(("ours", "theirs"), ALL_PAIRS)
@pytest.mark.parametrize("kernel", ["native", "tensorflow"])
@pytest.mark.parametrize(
    ("mask", "with_state", "options"),
    [
        (None, False, {}),
        (None, True, {"return_sequences": True, "return_state": True}),
        (RIGHT_PADDED, False, {"return_state": True}),
        (RIGHT_PADDED, True, {"return_sequences": True, "zero_output_for_mask": True, "use_bias": False}),
        (HOLES, False, {"return_sequences": True, "go_backwards": True, "return_state": True}),
        (HOLES, True, {"return_sequences": True}),
        (HOLES, True, {"zero_output_for_mask": True}),
        (HOLES, True, {"return_sequences": True, "dropout": 0.3, "seed": 3}),
        (HOLES, True, {"return_sequences": True, "recurrent_dropout": 0.4, "seed": 3}),
        (HOLES, False, {"dropout": 0.3, "recurrent_dropout": 0.4, "seed": 3}),
        (None, False, {"dropout": 0.3, "recurrent_dropout": 0.4, "seed": 3, "return_state": True}),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else None,
)
def test_same_numbers_as_keras(monkeypatch, ours, theirs, kernel, mask, options, with_state):
    random = np.random.default_rng(3)
    fast, slow = twins(ours, theirs, **options)
    if kernel == "tensorflow":
        without_native(monkeypatch)
    only_natively = "recurrent_dropout" in options or fast.step.forward is None
    wanted = "none" if only_natively and kernel != "native" else kernel
    assert choose_for_layer(fast, fast.step, True).kernel == wanted
    inputs = tf.constant(random.normal(size=(BATCH, TIME, FEATURES)), tf.float32)
    count = len(fast.state_size) if with_state else 0
    states = [tf.constant(random.normal(size=(BATCH, UNITS)), tf.float32) for _ in range(count)]
    mask = None if mask is None else tf.constant(mask)
    for fast_part, slow_part in zip(
        outcome(fast, inputs, states, mask), outcome(slow, inputs, states, mask), strict=True
    ):
        for found, wanted in zip(fast_part, slow_part, strict=True):
            np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize(("ours", "theirs"), ALL_PAIRS)
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (3, 2, 17, 33), (13, 5, 70, 129), (2, 300, 3, 64)])
def test_native_kernel_at_sizes_around_its_tiles(ours, theirs, shape):
    """Rows, columns and depths that are no multiples of the vectors, tiles, panels and blocks it works in."""
    batch, time, features, units = shape
    random = np.random.default_rng(1)
    fast = ours(units, return_sequences=True)
    slow = theirs(units, return_sequences=True)
    inputs = tf.constant(random.normal(size=(batch, time, features)), tf.float32)
    for layer in (fast, slow):
        layer.build(inputs.shape)
    slow.set_weights(fast.get_weights())
    for fast_part, slow_part in zip(outcome(fast, inputs, [], None), outcome(slow, inputs, [], None), strict=True):
        for found, wanted in zip(fast_part, slow_part, strict=True):
            np.testing.assert_allclose(found, wanted, atol=1e-5 * max(1, np.abs(wanted).max()))


@pytest.mark.skipif(not library().bfloat16, reason="this processor or compiler has no products of bfloat16")
@pytest.mark.parametrize("kind", [layers.LSTM, layers.GRU, GRUS_RESET_BEFORE[0], layers.SimpleRNN])
def test_bfloat16_is_float32_with_rounded_products(kind):
    """Odd depths, too, which leave half a slot empty."""
    random = np.random.default_rng(2)
    inputs = tf.constant(random.normal(size=(9, 11, 33)), tf.float32)
    exact = kind(21, return_sequences=True)
    rounded = kind(21, return_sequences=True, dtype="mixed_bfloat16")
    for layer in (exact, rounded):
        layer.build(inputs.shape)
    rounded.set_weights(exact.get_weights())
    assert choose_for_layer(rounded, rounded.step, True) == ("native", None)
    for found, wanted in zip(outcome(rounded, inputs, [], None)[1], outcome(exact, inputs, [], None)[1], strict=True):
        error = np.linalg.norm(np.float32(found) - wanted) / np.linalg.norm(wanted)
        assert 1e-5 < error < 0.02


@pytest.mark.parametrize(("kind", "_"), PAIRS)
@pytest.mark.parametrize("state", [(2, UNITS), (BATCH, 3)])
def test_states_that_do_not_fit_are_named(kind, _, state):
    layer = kind(UNITS, name="reader")
    message = rf"reader takes states \(batch, units\) = \(4, 6\), found \({state[0]}, {state[1]}\)"
    with pytest.raises(ValueError, match=message):
        layer(tf.ones((BATCH, TIME, FEATURES)), initial_state=[tf.zeros(state)] * len(layer.state_size), training=True)


def test_the_kernel_itself_reads_no_state_that_does_not_fit():
    given = tf.ones((BATCH, TIME, 4 * UNITS)), [tf.zeros((BATCH, 3))] * 2, None, tf.ones((UNITS, 4 * UNITS))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"h0 of shape \(4, 3\), \(4, 6\) wanted"):
        recur_natively("lstm", *given, tf.ones(4 * UNITS))


@pytest.mark.parametrize(("kind", "_"), PAIRS[:2])
@pytest.mark.parametrize(
    ("mask", "found"),
    [(HOLES, r"\[1, 0, 1, 1, 0, 1, 0\] in row 0"), (np.arange(TIME) < [[2], [0], [1], [1]], r"\[0, .* in row 1")],
)
def test_a_mask_that_cudnn_cannot_take(kind, _, mask, found):
    """`use_cudnn=True` is Keras' way to insist on it; what it wants is said before Keras finds no GPU."""
    layer = kind(UNITS, use_cudnn=True, name="reader")
    with pytest.raises(ValueError, match=f"reader has use_cudnn=True.*found {found} of a mask \\(4, 7\\)"):
        layer(tf.ones((BATCH, TIME, FEATURES)), mask=tf.constant(mask))
    if not tf.config.list_physical_devices("GPU"):
        with pytest.raises(ValueError, match="cuDNN is not supported"):
            layer(tf.ones((BATCH, TIME, FEATURES)), mask=tf.constant(RIGHT_PADDED))


@pytest.mark.parametrize("kernel", ["native", "tensorflow"])
@pytest.mark.parametrize("mask", [None, HOLES])
def test_a_simple_rnn_of_relu_has_its_own_kernel(monkeypatch, kernel, mask):
    fast, slow = twins(layers.SimpleRNN, keras.layers.SimpleRNN, activation="relu", return_sequences=True)
    if kernel == "tensorflow":
        without_native(monkeypatch)
    assert choose_for_layer(fast, fast.step, True).kernel == kernel
    inputs = tf.constant(np.random.default_rng(3).normal(size=(BATCH, TIME, FEATURES)), tf.float32)
    state = tf.ones((BATCH, UNITS))
    for fast_part, slow_part in zip(
        outcome(fast, inputs, [state], mask), outcome(slow, inputs, [state], mask), strict=True
    ):
        for found, wanted in zip(fast_part, slow_part, strict=True):
            np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_a_graph_for_inference_holds_no_operation_of_ours():
    sequence = keras.Input((TIME, FEATURES))
    hidden = layers.LSTM(UNITS, return_sequences=True)(sequence)
    model = keras.Model(sequence, layers.RNN(layers.PeepholeLSTMCell(3))(hidden))
    inputs = tf.random.stateless_normal((BATCH, TIME, FEATURES), [1, 2])

    def operations(training):
        graph = tf.function(lambda x: model(x, training=training)).get_concrete_function(inputs).graph
        return {op.type for op in graph.get_operations()}

    assert "RnnTasksRecurrence" in operations(True)
    assert "RnnTasksRecurrence" not in operations(False)
    with layers.native_inference():
        assert "RnnTasksRecurrence" in operations(False)
    assert "RnnTasksRecurrence" not in operations(False)
    np.testing.assert_allclose(tf.function(model)(inputs), model(inputs, training=True), atol=1e-6)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_numerical_gradient(ours, theirs):
    """Against finite differences in float64, with padding and a state."""
    layer = ours(3, dtype="float64", return_sequences=True)
    assert choose_for_layer(layer, layer.step, True, 2).kernel == "tensorflow"
    layer.build((2, 4, 2))
    random = np.random.default_rng(1)
    mask = tf.constant([[True] * 4, [True, True, False, False]])
    states = [random.normal(size=(2, 3)) for _ in layer.state_size]

    def value(inputs, *initial):
        return tf.reduce_sum(layer(inputs, initial_state=list(initial), mask=mask, training=True) ** 2)

    analytic, numeric = tf.test.compute_gradient(value, [random.normal(size=(2, 4, 2)), *states], delta=1e-5)
    for found, wanted in zip(analytic, numeric, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-6)


@pytest.mark.parametrize(("ours", "theirs"), ALL_PAIRS)
@pytest.mark.parametrize("kernel", ["native", "tensorflow"])
def test_gradient_penalties_as_keras_has_them(monkeypatch, ours, theirs, kernel):
    fast, slow = twins(ours, theirs, return_sequences=True)
    if kernel == "tensorflow":
        without_native(monkeypatch)
    inputs = tf.constant(np.random.default_rng(3).normal(size=(BATCH, TIME, FEATURES)), tf.float32)

    def gradients(layer):
        weights = [v.value for v in layer.trainable_variables]
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                inner.watch(inputs)
                target = tf.reduce_sum(layer(inputs, mask=tf.constant(HOLES), training=True) ** 2)
            penalty = tf.reduce_sum(inner.gradient(target, inputs) ** 2)
        return outer.gradient(penalty, weights)

    for found, wanted in zip(gradients(fast), gradients(slow), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_saves_and_compiles(ours, theirs, tmp_path):
    model = keras.Sequential([keras.Input((None, FEATURES)), keras.layers.Bidirectional(ours(UNITS))])
    inputs = np.random.default_rng(2).normal(size=(BATCH, TIME, FEATURES)).astype("float32")
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert type(again.layers[-1].forward_layer) is ours
    np.testing.assert_array_equal(model(inputs), again(inputs))
    compiled = tf.function(lambda x: again(x), jit_compile=True)
    np.testing.assert_allclose(compiled(tf.constant(inputs)), model(inputs), atol=1e-5)
