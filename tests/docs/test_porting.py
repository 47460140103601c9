"""docs/porting.md: its examples run, its names exist, and what it claims of TensorFlow 1 holds."""

import inspect
import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import rnn_tasks
from rnn_tasks import decoding, layers

PAGE = Path(rnn_tasks.__file__).parents[1] / "docs" / "porting.md"
TEXT = PAGE.read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
SECTIONS = re.findall(r"^## (.+)$", TEXT, re.MULTILINE)


def counted(*shape, start):
    return np.sin(start + np.arange(np.prod(shape))).reshape(shape).astype("float32")


# Checkpoints of TF1's: 4 features, 3 units.
BASIC = {"kernel": counted(7, 3, start=0.0), "bias": counted(3, start=1.0)}
LSTM = {"kernel": counted(7, 12, start=0.0), "bias": counted(12, start=1.0)}
PEEPHOLES = {name: counted(3, start=2.0 + i) for i, name in enumerate(("w_i_diag", "w_f_diag", "w_o_diag"))}
GRU = {
    "gates_kernel": counted(7, 6, start=0.0),
    "gates_bias": counted(6, start=1.0),
    "candidate_kernel": counted(7, 3, start=2.0),
    "candidate_bias": counted(3, start=3.0),
}
CHECKPOINTS = {"BasicRNNCell": BASIC, "BasicLSTMCell and LSTMCell": LSTM | PEEPHOLES, "GRUCell": GRU}
INPUTS, LENGTHS = counted(2, 5, 4, start=1.0), [5, 3]


def run(section=None):
    """The names that the page's first block and those of a section leave behind."""
    names = dict(CHECKPOINTS.get(section, {}))
    heading = None
    for found in re.finditer(
        r"^## (?P<heading>[^\n]+)$|^```python\n(?P<code>.*?)^```$", TEXT, re.MULTILINE | re.DOTALL
    ):
        heading = found["heading"] or heading
        if found["code"] and heading in (None, section):
            above = TEXT[: found.start("code")].count("\n")  # so that a traceback shows the page's own lines
            exec(compile("\n" * above + found["code"], PAGE, "exec"), names)
    return names


def close(found, wanted, atol=1e-6):
    np.testing.assert_allclose(found, wanted, atol=atol)


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def tf1_basic(kernel, bias, x, h):
    """As `tf.nn.rnn_cell.BasicRNNCell.call`."""
    return (np.tanh(np.concatenate([x, h], axis=1) @ kernel + bias),)


def tf1_lstm(kernel, bias, x, c, h, w_i_diag=0.0, w_f_diag=0.0, w_o_diag=0.0, forget_bias=1.0):
    """As `tf.nn.rnn_cell.LSTMCell.call`; the output is the last state."""
    i, j, f, o = np.split(np.concatenate([x, h], axis=1) @ kernel + bias, 4, axis=1)
    c = sigmoid(f + forget_bias + w_f_diag * c) * c + sigmoid(i + w_i_diag * c) * np.tanh(j)
    return c, sigmoid(o + w_o_diag * c) * np.tanh(c)


def tf1_gru(gates_kernel, gates_bias, candidate_kernel, candidate_bias, x, h):
    """As `tf.nn.rnn_cell.GRUCell.call`."""
    r, u = np.split(sigmoid(np.concatenate([x, h], axis=1) @ gates_kernel + gates_bias), 2, axis=1)
    candidate = np.tanh(np.concatenate([x, r * h], axis=1) @ candidate_kernel + candidate_bias)
    return (u * h + (1.0 - u) * candidate,)


def tf1_dynamic_rnn(cell, states, **weights):
    """Outputs (batch, time, units), 0 from a sequence's end on, and the final states."""
    states, outputs = [np.zeros((2, 3)) for _ in range(states)], []
    for t in range(INPUTS.shape[1]):
        within = np.array(LENGTHS)[:, None] > t
        after = cell(x=INPUTS[:, t], **weights, **dict(zip(("c", "h")[-len(states) :], states, strict=True)))
        states = [np.where(within, new, old) for new, old in zip(after, states, strict=True)]
        outputs.append(np.where(within, after[-1], 0.0))
    return np.stack(outputs, axis=1), states


def ported(cell):
    rnn = layers.RNN(cell, return_sequences=True, return_state=True, zero_output_for_mask=True)
    outputs, *states = rnn(INPUTS, sequence_length=LENGTHS)
    return outputs, states


# What tf.compat.v1.nn.dynamic_rnn over tf.compat.v1.nn.rnn_cell's cells gives of these weights, inputs and lengths
# (run with TensorFlow 2.21 and tf_keras 2.21).
GOLDEN = {
    "basic": ([[0.6958745, 0.30672097, -0.4752183], [0.7448251, 0.52842414, -0.3148157]],),
    "lstm": (
        [[-0.73506016, -1.370927, -0.49755228], [-0.90918314, -1.2354856, -0.3311846]],
        [[-0.20598789, -0.42425677, -0.30111003], [-0.12859926, -0.25927556, -0.20982221]],
    ),
    "peephole": (
        [[-0.77600276, -2.3394876, -1.2052642], [-0.9814041, -1.645246, -0.50118077]],
        [[-0.31059086, -0.83736676, -0.5180252], [-0.23812863, -0.5743453, -0.28535846]],
    ),
    "gru": ([[-0.04726572, -0.582891, -0.7050446], [0.1491878, -0.54413486, -0.6815345]],),
}


@pytest.mark.parametrize(
    ("section", "name", "tf1", "weights"),
    [
        ("BasicRNNCell", "basic", tf1_basic, BASIC),
        ("BasicLSTMCell and LSTMCell", "lstm", tf1_lstm, LSTM),
        ("BasicLSTMCell and LSTMCell", "peephole", tf1_lstm, LSTM | PEEPHOLES),
        ("GRUCell", "gru", tf1_gru, GRU),
    ],
)
def test_checkpoints(section, name, tf1, weights):
    before = {key: value.copy() for key, value in weights.items()}
    outputs, states = ported(run(section)[name])
    wanted, final = tf1_dynamic_rnn(tf1, len(GOLDEN[name]), **weights)
    close(final, GOLDEN[name])
    close(outputs, wanted)
    close(states, final[::-1])  # h, c here; c, h there
    for key, value in weights.items():
        np.testing.assert_array_equal(value, before[key])  # converting changes no array of the checkpoint


def whole_sequences(page):
    outputs, unrolled = page["outputs"], page["unrolled"]
    close(outputs[0], unrolled[0])
    close(outputs[1, :3], unrolled[1, :3])
    close(outputs[1, 3:], np.zeros((2, 3)))
    close(page["h"], [unrolled[0, 4], unrolled[1, 2]])
    repeated = layers.RNN(page["rnn"].cell, return_sequences=True)(page["inputs"], sequence_length=page["lengths"])
    close(repeated[1, 3:], [unrolled[1, 2]] * 2)
    lstm = layers.LSTM(3)
    lstm.build((2, 5, 4))
    lstm.set_weights(page["rnn"].get_weights())
    close(lstm(page["inputs"], mask=tf.sequence_mask(page["lengths"], 5)), page["h"])


def recomputing(page):
    plain = layers.RNN(page["rnn"].cell, return_sequences=True)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(plain(page["inputs"]) ** 2)
    for found, wanted in zip(page["gradients"], tape.gradient(loss, plain.trainable_weights), strict=True):
        close(found, wanted)
    for inside in ({"unroll": True}, {"cell": layers.DropoutWrapper(layers.LSTMCell(3), input_keep_prob=0.5)}):
        with pytest.raises(ValueError, match="recomputes"):
            layers.RNN(**{"cell": layers.LSTMCell(3), "recompute_every": 2, **inside})


def streams(page):
    whole = layers.RNN(page["stream"].cell, return_sequences=True)
    close(tf.concat([page["first"], page["second"]], axis=1), whole(page["inputs"]))
    twice = whole(tf.concat([page["inputs"]] * 2, axis=1))
    close(page["third"], [twice[0, 5:], twice[1, :5]])
    with tf.GradientTape() as tape:
        tape.watch(page["inputs"])
        page["stream"](page["inputs"][:, :2])
        later = page["stream"](page["inputs"][:, 2:])
    assert not np.any(tape.gradient(later, page["inputs"])[:, :2])


# What tf.compat.v1.nn.bidirectional_dynamic_rnn over BasicRNNCells gives of these inputs and lengths, forwards with the
# checkpoint BASIC, backwards with its rows in reverse: the states, and the shorter sample's outputs of the way back.
GOLDEN_STATES = [
    [[0.6958745, 0.30672097, -0.4752183], [0.7448251, 0.52842414, -0.3148157]],
    [[-0.38154137, 0.81268537, 0.92580867], [-0.36886925, 0.86985564, 0.94953215]],
]
GOLDEN_BACK = [
    *([-0.36886925, 0.86985564, 0.94953215], [0.28881833, 0.7489151, 0.636], [0.41450977, 0.55428135, 0.22966577]),
    *([0.0, 0.0, 0.0], [0.0, 0.0, 0.0]),
]


def test_both_ways_with_lengths():
    cells = layers.RNN(layers.BasicRNNCell(3), return_sequences=True, return_state=True)
    both = layers.Bidirectional(cells, merge_mode=None)
    both.build((2, 5, 4))
    rows = [(BASIC["kernel"], BASIC["bias"]), (BASIC["kernel"][::-1], BASIC["bias"][::-1])]
    both.set_weights([part for kernel, bias in rows for part in (*np.split(kernel, [4]), bias)])
    _, backward, *states = both(INPUTS, sequence_length=LENGTHS)
    close(states, GOLDEN_STATES)
    close(backward[1], GOLDEN_BACK)


def both_ways(page):
    forward, backward, *states = page["both"](page["inputs"][1:, :3])  # without its padding
    close(page["outputs"][1, :3], tf.concat([forward, backward], axis=-1)[0])
    close(page["outputs"][1, 3:], np.zeros((2, 6)))
    close([state[1] for state in page["states"]], [state[0] for state in states])
    assert len(states) == 4
    any_cell = layers.Bidirectional(layers.RNN(layers.LSTMCell(3), return_sequences=True))
    any_cell.build((2, 5, 4))
    any_cell.set_weights(page["both"].get_weights())
    close(any_cell(page["inputs"], sequence_length=page["lengths"]), page["outputs"])


def basic(page):
    close(page["basic"].kernel, page["kernel"][:4])
    close(page["basic"].recurrent_kernel, page["kernel"][4:])


def lstm(page):
    close(page["cell"].bias, np.repeat([0.0, 1.0, 0.0, 0.0], 3))
    close(page["output"], page["h"])


def gru(page):
    """As in TF1 a gate that sees nothing is σ(1), and of a state of 1 that is left."""
    assert not np.any(layers.GRUCell(3).bias_initializer((9,)))
    fresh = page["fresh"]
    fresh.recurrent_kernel.assign(np.zeros((3, 9)))
    output, _ = fresh(np.zeros((2, 4), "float32"), [np.ones((2, 3), "float32")])
    close(output, np.full((2, 3), sigmoid(1.0)))


def stack(page):
    close(page["h"], page["outputs"][:, -1])
    assert [tuple(state.shape) for state in (*page["lower"], page["c"])] == [(2, 3)] * 3
    assert all("CPU:0" in weight.value.device for weight in page["stack"].weights if weight.name == "kernel")
    shared = layers.MultiRNNCell([layers.LSTMCell(4)] * 2)
    shared.build((2, 4))
    assert len(shared.trainable_weights) == 3


def dropout(page):
    close(page["used"], layers.RNN(page["cell"].cell, return_sequences=True)(page["inputs"]))
    dropped = np.asarray(page["trained"]) == 0.0
    assert 0.1 < dropped.mean() < 0.9
    assert not np.any(np.asarray(page["used"]) == 0.0)


def wrappers(page):
    residual = page["cell"]
    close(page["outputs"] - page["inputs"], layers.RNN(residual.cell, return_sequences=True)(page["inputs"]))
    assert layers.RNN(layers.HighwayWrapper(residual.cell))(page["inputs"]).shape == (2, 4)


def decoders(page):
    close(tf.reduce_sum(page["alignments"], axis=-1), np.ones((2, 3)))
    close(page["alignments"][1, :, 4:], np.zeros((3, 2)))
    beams, arguments = page["beams"], (page["step"], page["state"], page["projected"], page["limits"])
    assert beams.ids.shape[:2] == (2, 4)
    assert page["words"].shape == (2, beams.ids.shape[2])
    close(beams.scores, beams.log_probabilities)
    assert inspect.signature(decoding.beam_search).parameters["alpha"].default == 1.0
    np.testing.assert_array_equal(decoding.beam_search(*arguments, beam_width=1).ids, page["greedy"].ids)
    assert set(np.unique(page["drawn"].ids)) <= set(range(9))
    # Teacher forcing, as `rnn` does it, is scheduled sampling that always takes the reference.
    always = page["training"].scheduled_sampling(*arguments[:3], page["target_in"], epsilon=1.0, seed=1)
    close(always, tf.nn.log_softmax(page["projection"](page["outputs"])))
    assert 0.0 < page["mean"] < 10.0
    assert page["loss"].weight == 5.0


def sampled(page):
    assert page["loss"].weight == 8.0
    assert np.isfinite(page["loss"].total)


CLAIMS = {
    "dynamic_rnn, static_rnn, sequence_length": whole_sequences,
    "swap_memory": recomputing,
    "State saving and truncated BPTT": streams,
    "bidirectional_dynamic_rnn": both_ways,
    "BasicRNNCell": basic,
    "BasicLSTMCell and LSTMCell": lstm,
    "GRUCell": gru,
    "MultiRNNCell and DeviceWrapper": stack,
    "DropoutWrapper": dropout,
    "Residual, highway and projections": wrappers,
    "Attention and decoders": decoders,
    "sampled_softmax_loss": sampled,
}


@pytest.mark.parametrize("section", SECTIONS)
def test_examples(section):
    tf.random.set_seed(1)
    CLAIMS[section](run(section))


def test_every_block_is_an_example_that_runs_and_every_section_has_one():
    assert TEXT.count("```") == 2 * len(EXAMPLES)
    assert all("```python\n" in section for section in re.split("^## ", TEXT, flags=re.MULTILINE)[1:])


TABLE = re.findall(r"^\| (`.+) \| (.+) \|$", TEXT, re.MULTILINE)


@pytest.mark.parametrize(
    "name",
    [
        *("tf.nn.static_rnn", "tf.nn.dynamic_rnn", "tf.nn.bidirectional_dynamic_rnn", "tf.nn.static_state_saving_rnn"),
        *("BasicRNNCell", "BasicLSTMCell", "LSTMCell(use_peepholes=True)", "LSTMCell(num_proj=…)", "GRUCell"),
        *("LayerNormBasicLSTMCell", "tfa.rnn.PeepholeLSTMCell", "tfa.rnn.LayerNormLSTMCell", "MultiRNNCell"),
        *("DropoutWrapper", "ResidualWrapper", "HighwayWrapper", "InputProjectionWrapper", "OutputProjectionWrapper"),
        *("DeviceWrapper", "AttentionWrapper", "LuongAttention", "BahdanauAttention"),
        *("BasicDecoder", "BeamSearchDecoder", "GreedyEmbeddingHelper", "SampleEmbeddingHelper"),
        *("ScheduledEmbeddingTrainingHelper", "sampled_softmax_loss", "swap_memory", "sequence_length"),
    ],
)
def test_table_has(name):
    assert any(f"`{name}`" in there for there, _ in TABLE)


@pytest.mark.parametrize(
    "name",
    [
        *("tf.nn.static_rnn", "tf.nn.dynamic_rnn", "tf.nn.bidirectional_dynamic_rnn", "swap_memory", "sequence_length"),
        *("BasicRNNCell", "BasicLSTMCell", "LSTMCell(use_peepholes=True)", "GRUCell", "MultiRNNCell", "DropoutWrapper"),
        *("OutputProjectionWrapper", "DeviceWrapper", "AttentionWrapper", "BasicDecoder", "BeamSearchDecoder"),
        "sampled_softmax_loss",
    ],
)
def test_an_example_has(name):
    """What the table puts first for a name, with the arguments that it gives there."""
    here = next(here for there, here in TABLE if f"`{name}`" in there)
    first = f"layers.{name}" if here.startswith("the same") else re.match("`([^`]+)`", here)[1]
    for part in re.findall(r"^[\w.]+|\w+(?==)", first):
        assert any(re.search(rf"\b{re.escape(part)}\b", example) for example in EXAMPLES), part


def test_names_on_the_page_exist():
    import rnn_tasks.models
    import rnn_tasks.training

    named = set(re.findall(r"(?<!keras\.)(?<!\w)(layers|decoding|training|models)\.(\w+)", TEXT))
    assert len(named) > 25
    assert not [f"{module}.{name}" for module, name in named if not hasattr(getattr(rnn_tasks, module), name)]
    same = [name for there, here in TABLE if here.startswith("the same") for name in re.findall(r"`(\w+)`", there)]
    assert len(same) == 4
    assert all(hasattr(layers, name) for name in same)
