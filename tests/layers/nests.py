"""Nests of wrappers and cells, layers over them, and what NumPy says that they give.

Shapes: sequences (batch, time, width), memory (batch, memory_time, 4), states and outputs (batch, units).
"""

import contextlib

import keras
import numpy as np
import pytest

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
from tests.layers import oracles

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
    "projections without biases": lambda: OutputProjectionWrapper(
        InputProjectionWrapper(plain(3), 2, use_bias=False), 2, use_bias=False
    ),
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
    # What is fed makes the inputs wider than some cells can have them.
    "attention": lambda cell: AttentionWrapper(InputProjectionWrapper(cell, WIDTH), LuongAttention(WIDTH), WIDTH),
    "context": lambda cell: AttentionWrapper(InputProjectionWrapper(cell, WIDTH), LuongAttention(WIDTH, score="dot")),
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


def inputs(time=TIME):
    random = np.random.default_rng(0)
    return random.normal(size=(BATCH, time, WIDTH)), random.normal(size=(BATCH, MEMORY_TIME, 4))


def built(cell, **options):
    """A layer over `cell`, with random weights."""
    layer = RNN(cell, return_sequences=True, return_state=True, **options)
    memory = {"memory_shape": (BATCH, MEMORY_TIME, 4)} if attends(cell) else {}
    layer.build((BATCH, TIME, WIDTH), **memory)
    random = np.random.default_rng(1)
    layer.set_weights([random.normal(size=weight.shape) * 0.7 for weight in layer.weights])
    return layer


def attended(layer, memory):
    return {"memory": memory, "memory_mask": MEMORY_MASK} if attends(layer.cell) else {}


def flat(results):
    return [np.asarray(result) for result in keras.tree.flatten(results)]


def dense(layer, x):
    y = x @ layer.kernel.numpy() + (layer.bias.numpy() if layer.use_bias else 0)
    return {"linear": lambda z: z, "tanh": np.tanh, "sigmoid": oracles.sigmoid}[layer.activation.__name__](y)


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
    if isinstance(cell, (keras.layers.SimpleRNNCell, keras.layers.LSTMCell)):
        oracle = oracles.lstm if isinstance(cell, keras.layers.LSTMCell) else oracles.simple_rnn
        names = ("kernel", "recurrent_kernel", "bias")
        after = oracle({name: getattr(cell, name).numpy() for name in names}, x, *states)
        return after[0], after
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


def expected(layer, sequences, memory, mask=None):
    """What Keras' semantics make of `step`: outputs (batch, time, units), then the final states."""
    if attends(layer.cell):
        with layer._attending(memory, MEMORY_MASK):
            fresh = layer.get_initial_state(BATCH)
    else:
        fresh = layer.get_initial_state(BATCH)
    states = keras.tree.map_structure(np.asarray, fresh)
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
