"""Every wrapper, alone and inside others, against NumPy in float64, in every way a sequence can go through it."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_tasks.layers import (
    RNN,
    AttentionWrapper,
    BahdanauAttention,
    DeviceWrapper,
    DropoutWrapper,
    HighwayWrapper,
    InputProjectionWrapper,
    LSTMCell,
    LuongAttention,
    MultiRNNCell,
    OutputProjectionWrapper,
    ResidualWrapper,
)

BATCH, TIME, WIDTH, MEMORY_TIME = 4, 5, 4, 3
LENGTHS = np.array([5, 2, 0, 1])
HOLES = np.array([[1, 0, 1, 1, 0], [0, 0, 1, 0, 1], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]], bool)
MEMORY_MASK = np.arange(MEMORY_TIME) < np.array([[3], [1], [2], [0]])


def plain(units=WIDTH):
    return keras.layers.SimpleRNNCell(units)


CELLS = {
    "residual": lambda: ResidualWrapper(LSTMCell(WIDTH)),
    "highway": lambda: HighwayWrapper(plain(), carry_bias_init=0.5),
    "uncoupled highway": lambda: HighwayWrapper(LSTMCell(WIDTH), couple_carry_transform_gates=False),
    "input projection": lambda: InputProjectionWrapper(plain(3), 2, activation="tanh"),
    "output projection": lambda: OutputProjectionWrapper(LSTMCell(3), 2, activation="sigmoid"),
    "device": lambda: DeviceWrapper(plain(), "CPU:0"),
    "dropout": lambda: DropoutWrapper(LSTMCell(3), 0.5, 0.5, 0.5),
    "stack": lambda: MultiRNNCell([LSTMCell(3), plain(2)]),
    "stack of one": lambda: MultiRNNCell([keras.layers.LSTMCell(3)]),
    "attention": lambda: AttentionWrapper(LSTMCell(3), LuongAttention(3), 5, activation="tanh"),
    "attention afterwards": lambda: AttentionWrapper(LSTMCell(3), BahdanauAttention(2), input_feeding=False),
    "nest": lambda: HighwayWrapper(
        DropoutWrapper(
            MultiRNNCell(
                [
                    ResidualWrapper(AttentionWrapper(plain(), LuongAttention(4, score="dot"), WIDTH)),
                    DeviceWrapper(OutputProjectionWrapper(LSTMCell(2), WIDTH), "CPU:0"),
                ]
            ),
            input_keep_prob=0.9,
        )
    ),
}
EVERY = pytest.mark.parametrize("cell", CELLS)

LEAVES = {"ours": LSTMCell, "Keras'": keras.layers.LSTMCell, "plain": plain}
WRAPPERS = {
    "residual": ResidualWrapper,
    "highway": HighwayWrapper,
    "input projection": lambda cell: InputProjectionWrapper(cell, WIDTH),
    "output projection": lambda cell: OutputProjectionWrapper(cell, WIDTH),
    "dropout": lambda cell: DropoutWrapper(cell, 0.5, 0.5, 0.5),
    "device": lambda cell: DeviceWrapper(cell, "CPU:0"),
    "stack": lambda *cells: MultiRNNCell(cells),
    "attention": lambda cell: AttentionWrapper(cell, LuongAttention(WIDTH), WIDTH),
    "context": lambda cell: AttentionWrapper(cell, LuongAttention(WIDTH, score="dot")),
    "attention afterwards": lambda cell: AttentionWrapper(cell, BahdanauAttention(2), input_feeding=False),
}


@contextlib.contextmanager
def precision(name):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def attends(cell):
    return any(isinstance(layer, AttentionWrapper) for layer in cell._flatten_layers())


def inputs(time=TIME, seed=0):
    random = np.random.default_rng(seed)
    return random.normal(size=(BATCH, time, WIDTH)), random.normal(size=(BATCH, MEMORY_TIME, 4))


def built(cell, kind=RNN, **options):
    """A layer over `cell`, with random weights."""
    layer = kind(cell, return_sequences=True, return_state=True, **options)
    memory = {"memory_shape": (BATCH, MEMORY_TIME, 4)} if attends(cell) else {}
    layer.build((BATCH, TIME, WIDTH), **memory)
    random = np.random.default_rng(1)
    layer.set_weights([random.normal(size=weight.shape) * 0.7 for weight in layer.weights])
    return layer


def attended(layer, memory):
    return {"memory": memory, "memory_mask": MEMORY_MASK} if attends(layer.cell) else {}


def flat(results):
    return [np.asarray(result) for result in keras.tree.flatten(results)]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def dense(layer, x):
    y = x @ layer.kernel.numpy() + (layer.bias.numpy() if layer.use_bias else 0)
    return {"linear": lambda z: z, "tanh": np.tanh, "sigmoid": sigmoid}[layer.activation.__name__](y)


def attend(attention, query, memory):
    """Query (batch, units) -> context, alignment."""
    if isinstance(attention, BahdanauAttention):
        summed = dense(attention.query_projection, query)[:, None] + dense(attention.memory_projection, memory)
        scores = np.tanh(summed) @ attention.scale.numpy()
    else:
        keys = memory if attention.score == "dot" else dense(attention.memory_projection, memory)
        scores = np.einsum("bu,btu->bt", query, keys)
    weights = np.exp(scores) * MEMORY_MASK
    alignment = weights / np.maximum(weights.sum(-1, keepdims=True), 1e-30)
    return np.einsum("bt,btu->bu", alignment, memory), alignment


def step(cell, x, states, memory):
    """One step of any nest of cells, by the equations."""
    if isinstance(cell, keras.layers.SimpleRNNCell):
        h = np.tanh(x @ cell.kernel.numpy() + states[0] @ cell.recurrent_kernel.numpy() + cell.bias.numpy())
        return h, [h]
    if isinstance(cell, keras.layers.LSTMCell):
        z = x @ cell.kernel.numpy() + states[0] @ cell.recurrent_kernel.numpy() + cell.bias.numpy()
        i, f, g, o = np.split(z, 4, axis=-1)
        c = sigmoid(f) * states[1] + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        return h, [h, c]
    if isinstance(cell, MultiRNNCell):
        after = []
        for below, own in zip(cell.cells, states, strict=True):
            x, new = step(below, x, own, memory)
            after.append(new)
        return x, after
    if isinstance(cell, AttentionWrapper):
        query, after = step(cell.cell, np.hstack([x, states[1]]) if cell.input_feeding else x, states[0], memory)
        context, alignment = attend(cell.attention, query, memory)
        hidden = dense(cell.attention_layer, np.hstack([query, context])) if cell.attention_units else context
        return hidden, [after, hidden, alignment]
    inner = dense(cell.projection, x) if isinstance(cell, InputProjectionWrapper) else x
    y, after = step(cell.cell, inner, states, memory)
    if isinstance(cell, OutputProjectionWrapper):
        y = dense(cell.projection, y)
    elif isinstance(cell, ResidualWrapper):
        y = x + y
    elif isinstance(cell, HighwayWrapper):
        carry = dense(cell.carry, x)
        y = carry * x + (1 - carry if cell.couple_carry_transform_gates else dense(cell.transform, x)) * y
    return y, after


def expected(layer, sequences, memory, mask=None, states=None):
    """What Keras' semantics make of `step`: outputs (batch, time, units), then the final states."""
    if attends(layer.cell):
        with layer._attending(memory, MEMORY_MASK):
            fresh = layer.get_initial_state(BATCH)
    else:
        fresh = layer.get_initial_state(BATCH)
    states = keras.tree.map_structure(np.asarray, fresh) if states is None else states
    mask = np.ones(sequences.shape[:2], bool) if mask is None else mask
    outputs = [np.zeros((BATCH, layer.cell.output_size))]
    for t in range(sequences.shape[1]):
        y, after = step(layer.cell, sequences[:, t], states, memory)
        keep = mask[:, t, None]
        outputs.append(np.where(keep, y, outputs[-1]))
        states = keras.tree.map_structure(lambda new, old, keep=keep: np.where(keep, new, old), after, states)
    return [np.stack([*outputs, outputs[0]], axis=1)[:, 1:-1], *keras.tree.flatten(states)]


def agree(found, wanted, atol=1e-10):
    found = flat(found)
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, atol=atol)


@EVERY
@pytest.mark.parametrize("mask", [None, np.arange(TIME) < LENGTHS[:, None], HOLES], ids=["all", "padded", "holes"])
def test_the_same_as_numpy_run_and_unrolled_and_in_keras(cell, mask):
    sequences, memory = inputs()
    with precision("float64"):
        layer = built(CELLS[cell]())
        wanted = expected(layer, sequences, memory, mask)
        agree(layer(sequences, mask=mask, **attended(layer, memory)), wanted)
        layer.unroll = True
        agree(layer(sequences, mask=mask, **attended(layer, memory)), wanted)
        theirs = keras.layers.RNN(layer.cell, return_sequences=True, return_state=True)
        with layer._attending(*([memory, MEMORY_MASK] if attends(layer.cell) else [None, None])):
            agree(theirs(sequences, mask=mask), wanted)


@EVERY
def test_gradients_are_the_slopes(cell):
    """Of inputs, memory, first states and weights, along a random direction in float64, masked."""
    sequences, memory = inputs()
    random = np.random.default_rng(2)
    with precision("float64"):
        layer = built(CELLS[cell]())
        weights = [weight.value for weight in layer.trainable_weights]
        with layer._attending(memory, MEMORY_MASK) if attends(layer.cell) else contextlib.nullcontext():
            shapes = [np.shape(state) for state in keras.tree.flatten(layer.get_initial_state(BATCH))]
        arguments = [
            sequences,
            memory,
            *(random.normal(size=shape) for shape in shapes),
            *(weight.numpy() for weight in weights),
        ]
        direction = [random.normal(size=np.shape(argument)) for argument in arguments]
        probe = random.normal(size=99)

        def value(sequences, memory, *others):
            for weight, new in zip(weights, others[len(shapes) :], strict=True):
                if not isinstance(new, tf.Variable):
                    weight.assign(new)
            memory = attended(layer, memory)
            results = layer(sequences, initial_state=list(others[: len(shapes)]), mask=HOLES, **memory)
            return sum(tf.reduce_sum(r * p) for r, p in zip(keras.tree.flatten(results), probe, strict=False))

        with tf.GradientTape() as tape:
            free = [tf.constant(argument) for argument in arguments[: 2 + len(shapes)]]
            tape.watch(free)
            total = value(*free, *weights)
        gradients = tape.gradient(total, [*free, *weights], unconnected_gradients="zero")
        analytic = sum(np.sum(np.asarray(g) * d) for g, d in zip(gradients, direction, strict=True))
        ahead, behind = (
            value(*(a + sign * 1e-6 * d for a, d in zip(arguments, direction, strict=True))) for sign in (1, -1)
        )
    assert all(np.any(np.asarray(gradient)) for gradient in gradients[2 + len(shapes) :])
    np.testing.assert_allclose(analytic, (ahead - behind) / 2e-6, rtol=1e-6)


@EVERY
def test_padding_changes_nothing_and_no_step_is_no_step(cell):
    sequences, memory = inputs()
    with precision("float64"):
        layer = built(CELLS[cell]())
        given = attended(layer, memory)
        padding = np.full((BATCH, 3, WIDTH), 7.0)
        outputs, *states = flat(layer(np.hstack([sequences, padding]), sequence_length=LENGTHS, **given))
        for length in (0, 1, 2):
            sample = list(LENGTHS).index(length)
            short, *final = flat(layer(sequences[:, :length], **given))
            assert short.shape == (BATCH, length, outputs.shape[-1])
            np.testing.assert_allclose(outputs[sample, :length], short[sample], atol=1e-12)
            for found, wanted in zip(states, final, strict=True):
                np.testing.assert_allclose(found[sample], wanted[sample], atol=1e-12)
                assert length or not np.any(wanted)
        layer.unroll = True
        assert not any(np.any(result) for result in flat(layer(sequences[:, :0], **given)))


@EVERY
def test_saves_and_loads(cell, tmp_path):
    sequences, memory = inputs()
    layer = built(CELLS[cell]())
    ins = [keras.Input((None, WIDTH)), keras.Input((MEMORY_TIME, 4)), keras.Input((MEMORY_TIME,), dtype="bool")]
    given = {"memory": ins[1], "memory_mask": ins[2]} if attends(layer.cell) else {}
    results = keras.tree.flatten(layer(ins[0], **given))
    assert [result.shape[-1] for result in results][1:] == [
        part.shape[-1] for part in flat(layer(sequences, **attended(layer, memory)))
    ][1:]
    model = keras.Model(ins if given else ins[:1], results)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    data = [sequences, memory, MEMORY_MASK][: len(model.inputs)]
    for found, wanted in zip(again(data), model(data), strict=True):
        np.testing.assert_array_equal(found, wanted)


@EVERY
def test_a_compiled_training_step_is_the_plain_one(cell):
    sequences, memory = inputs()
    layer = built(CELLS[cell]())
    keep_all = {"input_keep_prob": 1.0, "output_keep_prob": 1.0, "state_keep_prob": 1.0}
    for wrapper in layer._flatten_layers():
        if isinstance(wrapper, DropoutWrapper):  # its masks are another matter
            vars(wrapper).update(keep_all)

    def gradients(sequences, memory, mask):
        with tf.GradientTape() as tape:
            outputs, *states = layer(sequences, mask=mask, training=True, **attended(layer, memory))
            loss = tf.reduce_sum(outputs**2) + sum(tf.reduce_sum(state) for state in keras.tree.flatten(states))
        return loss, tape.gradient(loss, [weight.value for weight in layer.trainable_weights])

    data = tf.constant(sequences, tf.float32), tf.constant(memory, tf.float32), tf.constant(HOLES)
    for found, wanted in zip(
        tf.nest.flatten(tf.function(gradients, jit_compile=True)(*data)), tf.nest.flatten(gradients(*data)), strict=True
    ):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


@EVERY
def test_half_precision_is_near_and_keeps_its_weights_whole(cell):
    sequences, memory = inputs()
    results = {}
    for policy in ("float32", "mixed_bfloat16"):
        with precision(policy):
            layer = built(CELLS[cell]())
            results[policy] = layer(sequences, mask=HOLES, **attended(layer, memory))
            assert {weight.dtype for weight in layer.weights} == {"float32"}
    for half, whole in zip(*(keras.tree.flatten(r) for r in reversed(results.values())), strict=True):
        assert half.dtype == tf.bfloat16
        np.testing.assert_allclose(tf.cast(half, tf.float32), whole, atol=0.08)


@pytest.mark.parametrize("wrap", [name for name in WRAPPERS if name != "dropout"])
@pytest.mark.parametrize(("outer", "inner"), [("mixed_bfloat16", "float32"), ("float32", "mixed_bfloat16")])
def test_a_cell_of_another_precision_than_its_wrapper(wrap, outer, inner):
    sequences, memory = inputs()
    with precision(inner):
        cell = LSTMCell(WIDTH)
    with precision(outer):
        layer = built(WRAPPERS[wrap](cell))
        run = layer(sequences, mask=HOLES, **attended(layer, memory))
        layer.unroll = True
        stepped = layer(sequences, mask=HOLES, **attended(layer, memory))
    for one, other in zip(keras.tree.flatten(run), keras.tree.flatten(stepped), strict=True):
        assert one.dtype == other.dtype == layer.compute_dtype
        np.testing.assert_allclose(tf.cast(one, tf.float32), tf.cast(other, tf.float32), atol=0.08)


@EVERY
def test_halves_of_a_stream_are_the_whole_and_reset_starts_anew(cell):
    sequences, memory = inputs()
    with precision("float64"):
        layer = built(CELLS[cell](), stateful=True)
        given = attended(layer, memory)
        wanted = expected(layer, sequences, memory)
        halves = [layer(part, **given) for part in (sequences[:, :2], sequences[:, 2:])]
        agree([np.concatenate([half[0] for half in halves], axis=1), *halves[1][1:]], wanted)
        reset = np.array([True, False, False, True])
        found = flat(layer(sequences, reset=reset, **given))
        carried = flat(expected(layer, np.concatenate([sequences, sequences], axis=1), memory))
        carried[0] = carried[0][:, TIME:]
        for part, fresh, old in zip(found, wanted, carried, strict=True):
            np.testing.assert_allclose(
                part, np.where(reset.reshape([-1] + [1] * (part.ndim - 1)), fresh, old), atol=1e-10
            )
        layer.reset_state()
        agree(layer(sequences, **given), wanted)


@pytest.mark.parametrize("cell", [name for name in CELLS if not attends(CELLS[name]())])
def test_both_ways(cell):
    sequences, _ = inputs()
    mask = np.arange(TIME) < LENGTHS[:, None]
    with precision("float64"):
        layer = keras.layers.Bidirectional(RNN(CELLS[cell](), return_sequences=True))
        found = layer(sequences, mask=mask)
        forward = expected(layer.forward_layer, sequences, None, mask)[0]
        backward = expected(layer.backward_layer, sequences[:, ::-1], None, mask[:, ::-1])[0][:, ::-1]
    np.testing.assert_allclose(
        found, np.where(mask[:, :, None], np.concatenate([forward, backward], -1), 0), atol=1e-10
    )


# Names of wrappers around names of cells, of one width everywhere: any of them fits into any other.
NESTS = st.recursive(
    st.sampled_from(sorted(LEAVES)),
    lambda inner: (
        st.tuples(st.sampled_from(sorted(set(WRAPPERS) - {"stack"})), inner) | st.tuples(st.just("stack"), inner, inner)
    ),
    max_leaves=3,
)


def made(nest):
    return LEAVES[nest](WIDTH) if isinstance(nest, str) else WRAPPERS[nest[0]](*map(made, nest[1:]))


@settings(max_examples=15, deadline=None)
@given(NESTS, st.integers(0, 3), st.integers(0, 2 ** (3 * BATCH) - 1), st.booleans())
def test_any_nest_of_any_shape(nest, time, bits, unroll):
    mask = np.array([bits >> i & 1 for i in range(BATCH * time)], bool).reshape(BATCH, time)
    sequences, memory = inputs(time)
    with precision("float64"):
        layer = built(made(nest), unroll=unroll)
        again = RNN.from_config(layer.get_config())
        again.build(sequences.shape, **({"memory_shape": memory.shape} if attends(again.cell) else {}))
        again.set_weights(layer.get_weights())
        agree(again(sequences, mask=mask, **attended(again, memory)), expected(layer, sequences, memory, mask))


def test_projecting_in_the_cell_or_all_steps_at_once_is_one_function():
    sequences, _ = inputs()
    with precision("float64"):
        inside = built(OutputProjectionWrapper(LSTMCell(3), 2))
        outside = built(LSTMCell(3))
        outside.set_weights(inside.get_weights()[:3])
        at_once = keras.layers.Dense(2)
        at_once.build((None, 3))
        at_once.set_weights(inside.get_weights()[3:])
        outputs = tf.reshape(outside(sequences)[0], (BATCH * TIME, 3))
        for inside.unroll in (False, True):
            np.testing.assert_allclose(inside(sequences)[0], tf.reshape(at_once(outputs), (BATCH, TIME, 2)), atol=1e-12)


@pytest.mark.parametrize("wrap", [ResidualWrapper, HighwayWrapper])
def test_widths_that_do_not_fit_are_named(wrap):
    with pytest.raises(ValueError, match="inputs of 5 and outputs of 4"):
        wrap(plain(4)).build((None, 5))


def test_what_is_no_cell_and_no_device_is_named():
    with pytest.raises(ValueError, match="ResidualWrapper wraps a cell, .* found <Dense"):
        ResidualWrapper(keras.layers.Dense(3))
    with pytest.raises(ValueError, match="nowhere"):
        DeviceWrapper(plain(), "nowhere")
    with pytest.raises(ValueError, match="found none"):
        MultiRNNCell([])
