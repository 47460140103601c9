"""Attention inside a cell: its memory, its alignments, and that a loop of steps is what the paper's equations say.

(test_wrappers.py has the NumPy oracle, the gradients, saving and compiling, with every other wrapper.)
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tasks.layers import (
    RNN,
    AttentionWrapper,
    BahdanauAttention,
    LSTMCell,
    LuongAttention,
    MultiRNNCell,
    OutputProjectionWrapper,
    ResidualWrapper,
)

BATCH, TIME, MEMORY_TIME, UNITS = 3, 4, 5, 6
RANDOM = np.random.default_rng(0)
INPUTS = RANDOM.normal(size=(BATCH, TIME, 2)).astype("float32")
MEMORY = RANDOM.normal(size=(BATCH, MEMORY_TIME, UNITS)).astype("float32")
MEMORY_MASK = np.arange(MEMORY_TIME) < np.array([[5], [2], [1]])
MASK = np.arange(TIME) < np.array([[4], [2], [0]])

ATTENTIONS = {
    "luong general": lambda: LuongAttention(UNITS),
    "luong dot": lambda: LuongAttention(UNITS, score="dot"),
    "luong scaled": lambda: LuongAttention(UNITS, scaled=True),
    "bahdanau": lambda: BahdanauAttention(3),
    "bahdanau normalised": lambda: BahdanauAttention(3, normalised=True),
}


def wrapper(attention="luong general", **options):
    return AttentionWrapper(LSTMCell(UNITS), ATTENTIONS[attention](), **options)


def agree(found, wanted, atol=1e-5):
    found, wanted = keras.tree.flatten(found), keras.tree.flatten(wanted)
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, atol=atol)


def by_the_equations(cell):
    """Luong et al., sections 3 and 3.3, one step after the other: outputs, queries, alignments."""
    state = [tf.zeros((BATCH, UNITS)), tf.zeros((BATCH, UNITS))]
    hidden = tf.zeros((BATCH, cell.state_size[1]))
    steps = []
    for t in range(TIME):
        x = tf.concat([INPUTS[:, t], hidden], axis=-1) if cell.input_feeding else INPUTS[:, t]
        query, state = cell.cell(x, state)
        context, alignment = cell.attention(query[:, None], MEMORY, mask=MEMORY_MASK)
        both = tf.concat([query, context[:, 0]], axis=-1)
        hidden = context[:, 0] if cell.attention_units is None else cell.attention_layer(both)
        steps.append((hidden, query, alignment[:, 0]))
    return [tf.stack(column, axis=1) for column in zip(*steps, strict=True)]


@pytest.mark.parametrize("attention", ATTENTIONS)
@pytest.mark.parametrize("feeding", [True, False], ids=["fed", "not fed"])
@pytest.mark.parametrize("options", [{}, {"attention_units": 3}, {"attention_units": 3, "activation": "tanh"}], ids=str)
def test_steps_are_the_equations(attention, feeding, options):
    cell = wrapper(attention, input_feeding=feeding, **options)
    results = {}
    for unroll in (False, True):
        rnn = RNN(cell, return_sequences=True, return_state=True, alignment_history=True, unroll=unroll)
        results[unroll] = rnn(INPUTS, memory=MEMORY, memory_mask=MEMORY_MASK)
    outputs, _, attention_vector, alignment, history = results[False]
    agree(results[True], results[False])
    hidden, queries, alignments = by_the_equations(cell)
    agree([outputs, attention_vector, alignment, history], [hidden, hidden[:, -1], alignments[:, -1], alignments])
    cell.output_attention = False
    rnn = RNN(cell, return_sequences=True)
    agree(rnn(INPUTS, memory=MEMORY, memory_mask=MEMORY_MASK), queries)


def test_alignments_of_all_steps():
    """Each sums to 1 over the memory; masked steps have none; the last state holds that of the last step taken."""
    rnn = RNN(wrapper(), return_state=True, alignment_history=True)
    _, _, _, last, history = rnn(INPUTS, mask=MASK, memory=MEMORY, memory_mask=MEMORY_MASK)
    np.testing.assert_allclose(np.sum(history, axis=-1), MASK, atol=1e-6)
    assert np.all(history.numpy()[~np.broadcast_to(MEMORY_MASK[:, None], history.shape)] == 0)
    agree(last, np.stack([history[0, 3], history[1, 1], np.zeros(MEMORY_TIME)]))
    backwards = RNN(rnn.cell, go_backwards=True, alignment_history=True)
    _, reverse = backwards(INPUTS[:, ::-1], memory=MEMORY, memory_mask=MEMORY_MASK)
    _, forward = RNN(rnn.cell, alignment_history=True)(INPUTS, memory=MEMORY, memory_mask=MEMORY_MASK)
    agree(reverse, forward)


def test_alignments_of_every_wrapper_in_a_stack():
    lower, upper = wrapper(attention_units=4), wrapper("bahdanau")
    stack = MultiRNNCell([OutputProjectionWrapper(lower, 6), ResidualWrapper(upper)])
    rnn = RNN(stack, return_sequences=True, return_state=True, alignment_history=True)
    _, first, second, lower_history, upper_history = rnn(INPUTS, memory=MEMORY)
    agree([lower_history[:, -1], upper_history[:, -1]], [first[2], second[2]])
    assert np.abs(lower_history - upper_history).max() > 1e-3


def test_padding_of_the_memory_changes_nothing():
    rnn = RNN(wrapper(), return_state=True, return_sequences=True)
    outputs, state, attention, alignment = rnn(INPUTS, memory=MEMORY, memory_mask=MEMORY_MASK)
    padded = np.where(MEMORY_MASK[:, :, None], MEMORY, 99.0)
    again = rnn(
        INPUTS, memory=np.pad(padded, [(0, 0), (0, 2), (0, 0)]), memory_mask=np.pad(MEMORY_MASK, [(0, 0), (0, 2)])
    )
    agree(again, [outputs, state, attention, np.pad(alignment, [(0, 0), (0, 2)])])
    for sample, length in enumerate(MEMORY_MASK.sum(axis=1)):
        alone = rnn(INPUTS[sample : sample + 1], memory=MEMORY[sample : sample + 1, :length])
        agree(alone[0][0], outputs[sample])


def test_a_memory_brings_its_own_mask():
    ids = np.array([[1, 2, 3], [3, 0, 0], [2, 1, 0]])
    memory = keras.layers.Embedding(4, UNITS, keras.initializers.RandomNormal(stddev=1.0), mask_zero=True)(ids)
    rnn = RNN(wrapper())
    plain = tf.constant(memory.numpy())
    agree(rnn(INPUTS, memory=memory), rnn(INPUTS, memory=plain, memory_mask=ids != 0))
    assert np.abs(rnn(INPUTS, memory=memory) - rnn(INPUTS, memory=plain)).max() > 1e-3


def test_the_memory_is_projected_once(monkeypatch):
    cell = wrapper()
    rnn = RNN(cell)
    rnn(INPUTS, memory=MEMORY)
    calls, project = [], cell.attention.project
    monkeypatch.setattr(cell.attention, "project", lambda memory: calls.append(1) or project(memory))
    for rnn.unroll in (False, True):
        rnn(INPUTS, memory=MEMORY)
    assert len(calls) == 2


def test_stepping_by_hand():
    """Any decoder can: set up a memory, start, step; the memory stays until the next."""
    cell = wrapper("bahdanau", attention_units=3)
    outputs, *final = RNN(cell, return_sequences=True, return_state=True)(
        INPUTS, memory=MEMORY, memory_mask=MEMORY_MASK
    )
    cell.setup_memory(MEMORY, MEMORY_MASK)
    states = cell.get_initial_state(BATCH)
    for t in range(TIME):
        output, states = cell(INPUTS[:, t], states)
        agree(output, outputs[:, t])
    agree(states, final)
    agree(keras.layers.RNN(cell)(INPUTS), outputs[:, -1])
    cell.setup_memory(2 * MEMORY[:, :2])
    assert np.abs(RNN(cell)(INPUTS) - outputs[:, -1]).max() > 1e-3
    cell.drop_memory()
    with pytest.raises(ValueError, match="has no memory"):
        RNN(cell)(INPUTS)


def test_a_projected_memory_travels_through_loops(monkeypatch):
    """Projected once for every step of a loop, and attended to only within; then what was held before is back."""
    cell = wrapper("bahdanau", attention_units=3)
    outputs = RNN(cell, return_sequences=True)(INPUTS, memory=MEMORY, memory_mask=MEMORY_MASK)
    calls, project = [], cell.attention.project
    monkeypatch.setattr(cell.attention, "project", lambda memory: calls.append(1) or project(memory))

    def body(t, states, memory, rows):
        with cell.attending(memory):
            output, states = cell(tf.gather(INPUTS, t, axis=1), states)
        return t + 1, states, memory, rows.write(t, output)

    @tf.function
    def loop():
        memory = cell.project(MEMORY, MEMORY_MASK)
        with cell.attending(memory):
            states = cell.get_initial_state(BATCH)
        start = (0, states, memory, tf.TensorArray(tf.float32, TIME))
        return tf.while_loop(lambda t, *_: t < TIME, body, start)[-1].stack()

    agree(tf.transpose(loop(), [1, 0, 2]), outputs)
    assert len(calls) == 1
    with pytest.raises(ValueError, match="has no memory"):
        RNN(cell)(INPUTS)
    cell.setup_memory(2 * MEMORY)
    held = RNN(cell)(INPUTS)
    agree(RNN(cell, return_sequences=True)(INPUTS, memory=MEMORY, memory_mask=MEMORY_MASK), outputs)
    agree(RNN(cell)(INPUTS), held)


def test_a_decoder_starts_from_its_encoder():
    encoded = [tf.constant(RANDOM.normal(size=(BATCH, UNITS)), tf.float32) for _ in range(2)]
    rnn = RNN(wrapper(), return_state=True)
    zeros = [tf.zeros((BATCH, UNITS)), tf.zeros((BATCH, MEMORY_TIME))]
    wanted = rnn(INPUTS, memory=MEMORY, initial_state=[encoded, *zeros])
    agree(rnn(INPUTS, memory=MEMORY, initial_state=[encoded, None, None]), wanted)
    assert np.abs(wanted[0] - rnn(INPUTS, memory=MEMORY)[0]).max() > 1e-3


def test_functional_models_with_all_alignments(tmp_path):
    sequences, memory = keras.Input((None, 2)), keras.Input((None, UNITS))
    rnn = RNN(ResidualWrapper(AttentionWrapper(LSTMCell(2), BahdanauAttention(3), 2)), alignment_history=True)
    output, history = rnn(sequences, memory=memory)
    assert (output.shape, history.shape) == ((None, 2), (None, None, None))
    model = keras.Model([sequences, memory], [output, history])
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    agree(again([INPUTS, MEMORY]), model([INPUTS, MEMORY]), atol=0)
    agree(again([INPUTS[:, :1], MEMORY[:, :2]])[1], model([INPUTS[:, :1], MEMORY[:, :2]])[1], atol=0)
    assert again([INPUTS, MEMORY])[1].shape == (BATCH, TIME, MEMORY_TIME)


def test_graphs_leave_no_memory_behind():
    rnn = RNN(wrapper())
    call = tf.function(lambda inputs, memory: rnn(inputs, memory=memory))
    agree(call(INPUTS, MEMORY), rnn(INPUTS, memory=MEMORY))
    with pytest.raises(ValueError, match="has no memory"):
        rnn(INPUTS)


def test_wrong_use_is_named():
    named = RNN(AttentionWrapper(LSTMCell(UNITS), LuongAttention(UNITS), name="attending"), name="rnn")
    with pytest.raises(ValueError, match="attending has no memory: give one to its RNN"):
        named(INPUTS)
    named(INPUTS, memory=MEMORY)
    stream = RNN(wrapper(), stateful=True, name="stream")
    stream(INPUTS, memory=MEMORY)
    for call, message in [
        (lambda: named(INPUTS), "attending has no memory"),
        (lambda: named.cell.get_initial_state(2), "attending has no memory"),
        (lambda: named(INPUTS, memory=MEMORY[:2]), r"rnn takes memory .* \(3, None, None\), found \(2, 5, 6\)"),
        (lambda: named(INPUTS, memory=MEMORY[:, 0]), r"found \(3, 6\)"),
        (lambda: named(INPUTS, memory=MEMORY[:, :, :4]), "built for a memory of width 6, found 4"),
        (lambda: named(INPUTS, memory=MEMORY, memory_mask=MEMORY_MASK[:, :3]), r"\(3, 5\), found \(3, 3\)"),
        (lambda: named.cell.setup_memory(MEMORY[0]), r"memory \(batch, time, units\), found \(5, 6\)"),
        (lambda: named.cell.attending(MEMORY).__enter__(), "attending attends to what its project gives, found nd"),
        (lambda: wrapper(activation="tanh"), "needs attention_units; found None"),
        (lambda: RNN(AttentionWrapper(LSTMCell(4), LuongAttention(6)))(INPUTS, memory=MEMORY), "of that width"),
        (lambda: RNN(wrapper(), stateful=True).build((3, 4, 2), None, (3, None, 6)), r"found \(3, None, 6\)"),
        (lambda: stream(INPUTS, memory=MEMORY[:, :2]), r"stream takes a state .* \(3, 2\), found \(3, 5\)"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
