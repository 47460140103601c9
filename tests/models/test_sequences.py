"""sequence_to_vector against plain NumPy, alone and padded, saved and loaded."""

import keras
import numpy as np
import pytest

from rnn_tasks import models

CELLS = ["lstm", "peephole_lstm", "gru", "simple_rnn", "irnn"]
VOCABULARY = 11


def build(cell="lstm", **options):
    settings = {"outputs": 2, "units": 5, "layers": 2, "embedding_dim": 4, "seed": 3} | options
    return models.sequence_to_vector(VOCABULARY, cell=cell, **settings)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def numpy_layer(cell, weights, inputs):
    """(time, inputs) -> (time, units), by the equations."""
    kernel, recurrent, bias, *peepholes = weights
    h = c = np.zeros(recurrent.shape[0])
    outputs = []
    for x in inputs:
        if cell == "simple_rnn":
            h = np.tanh(x @ kernel + h @ recurrent + bias)
        elif cell == "irnn":
            h = np.maximum(x @ kernel + h @ recurrent + bias, 0)
        elif cell.endswith("lstm"):
            to_i, to_f, to_o = peepholes or (0, 0, 0)
            i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4)
            c = sigmoid(f + to_f * c) * c + sigmoid(i + to_i * c) * np.tanh(g)
            h = sigmoid(o + to_o * c) * np.tanh(c)
        else:
            from_x, from_h = x @ kernel + bias[0], h @ recurrent + bias[1]
            (xz, xr, xh), (hz, hr, hh) = np.split(from_x, 3), np.split(from_h, 3)
            z, r = sigmoid(xz + hz), sigmoid(xr + hr)
            h = z * h + (1 - z) * np.tanh(xh + r * hh)
        outputs.append(h)
    return np.array(outputs)


@pytest.mark.parametrize("cell", CELLS)
def test_logits_are_those_of_the_equations(cell):
    model = build(cell)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.7, w.shape) for w in model.get_weights()])
    table, *recurrent, kernel, bias = [w.astype(np.float64) for w in model.get_weights()]
    sequence = np.array([4, 9, 1, 1, 10, 5, 7])
    hidden = table[sequence]
    count = len(recurrent) // 2
    for layer in range(2):
        hidden = numpy_layer(cell, recurrent[count * layer : count * (layer + 1)], hidden)
    expected = hidden[-1] @ kernel + bias
    np.testing.assert_allclose(model(sequence[None])[0], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("steps", [1, 4, 7])
@pytest.mark.parametrize("pooling", ["mean", "attention"])
def test_pooling_is_a_mean_of_the_steps_that_there_are(pooling, steps):
    """Weighted by attention: α = softmax over time of v · tanh(W h + b)."""
    model = models.sequence_to_vector(features=3, outputs=2, units=5, cell="gru", pooling=pooling, seed=3)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.7, w.shape) for w in model.get_weights()])
    *weights, kernel, bias = [w.astype(np.float64) for w in model.get_weights()]
    inputs = rng.normal(size=(1, 7, 3)).astype(np.float32)
    hidden = numpy_layer("gru", weights[:3], inputs[0, :steps])
    shares = np.full(steps, 1 / steps)
    if pooling == "attention":
        inner, inner_bias, score = weights[3:]
        scores = np.exp(np.tanh(hidden @ inner + inner_bias) @ score)[:, 0]
        shares = scores / scores.sum()
    found = model({"inputs": inputs, "lengths": np.array([steps], np.int32)})
    np.testing.assert_allclose(found[0], shares @ hidden @ kernel + bias, atol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
def test_initializers_are_those_asked_for(cell):
    """Of 400 inputs a He start has variance 2 / 400, Glorot's with 100 units 2 / 500, an IRNN's 1e-6."""

    def start(**options):
        layer = models.sequence_to_vector(features=400, outputs=1, units=100, cell=cell, seed=1, **options).layers[-2]
        gates = {"lstm": 4, "peephole_lstm": 4, "gru": 3}.get(cell, 1)
        return layer.cell.kernel.numpy(), layer.cell.recurrent_kernel.numpy(), gates

    for options, variance in ({}, None), ({"kernel_initializer": "he_normal"}, 2 / 400):
        kernel, recurrent, gates = start(**options)
        expected = variance or (1e-6 if cell == "irnn" else 2 / (400 + 100 * gates))
        np.testing.assert_allclose(kernel.var(), expected, rtol=0.05)
        if cell == "irnn":
            np.testing.assert_array_equal(recurrent, np.eye(100))
        else:
            np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(100), atol=1e-5)
    if cell == "irnn":
        with pytest.raises(ValueError, match="an IRNN starts with the identity; found 'he_normal'"):
            start(recurrent_initializer="he_normal")
    else:
        np.testing.assert_allclose(start(recurrent_initializer="he_normal")[1].var(), 2 / 100, rtol=0.05)


@pytest.mark.parametrize("cell", CELLS)
def test_recurrent_dropout_is_for_training_alone_and_starts_alike(cell):
    plain, dropping = (build(cell, recurrent_dropout=rate, layers=1) for rate in (0.0, 0.5))
    for a, b in zip(plain.get_weights(), dropping.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    ids = np.array([[4, 5, 6, 7, 8]])
    dropping.set_weights([np.full_like(w, 0.3) for w in dropping.get_weights()])
    np.testing.assert_array_equal(dropping(ids), dropping(ids))
    assert np.any(np.asarray(dropping(ids, training=True)) != np.asarray(dropping(ids)))


@pytest.mark.parametrize("cell", CELLS)
def test_right_padding_changes_nothing(cell):
    model = build(cell, dropout=0.3)
    rng = np.random.default_rng(1)
    sequences = [rng.integers(1, VOCABULARY, length) for length in (1, 3, 8, 13)]
    batch = np.zeros((4, 20), np.int32)
    for row, sequence in zip(batch, sequences, strict=True):
        row[: len(sequence)] = sequence
    together = np.asarray(model(batch))
    for sequence, logits in zip(sequences, together, strict=True):
        np.testing.assert_allclose(model(sequence[None].astype(np.int32))[0], logits, atol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
def test_the_seed_decides_every_initial_weight(cell):
    first, second, other = build(cell), build(cell), build(cell, seed=4)
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(first.get_weights(), other.get_weights(), strict=True):
        is_bias = len(np.unique(a)) <= 2  # all 0, but for the LSTM's forget gate, where it is 1
        assert np.array_equal(a, b) == is_bias


def test_initial_weights_do_not_depend_on_the_dropout_rate():
    for a, b in zip(build(dropout=0.0).get_weights(), build(dropout=0.5).get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_dropout_is_for_training_alone():
    model = build(dropout=0.5)
    ids = np.array([[4, 5, 6]])
    np.testing.assert_array_equal(model(ids), model(ids))
    assert np.any(np.asarray(model(ids, training=True)) != np.asarray(model(ids)))


def test_survives_saving_without_custom_objects(tmp_path):
    model = build("gru", dropout=0.1)
    model.save(tmp_path / "model.keras")
    ids = np.array([[4, 5, 6, 0]])
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "model.keras")(ids), model(ids))


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_memory_sets_how_slowly_states_fade(cell):
    """With silent inputs a unit keeps sigmoid(gate bias) of its state a step: 1 - 1/scale for scales up to `memory`."""
    layer = build(cell, layers=1, units=400, memory=50).get_layer(f"{cell}_1")
    bias = layer.cell.bias.numpy()
    gate = bias[400:800] if cell == "lstm" else bias[0, :400]
    scales = np.exp(gate) + 1  # sigmoid(gate) = 1 - 1 / scales
    assert 2 <= scales.min() < 4
    assert 46 < scales.max() <= 50
    assert abs(scales.mean() - 26) < 4 * 14 / 400**0.5
    rest = np.delete(bias, slice(400, 800)) if cell == "lstm" else np.delete(bias[0], slice(0, 400))
    np.testing.assert_array_equal(rest[:400], -gate if cell == "lstm" else 0)
    np.testing.assert_array_equal(rest[400:], 0)


def padded(sequences, time):
    batch = np.zeros((len(sequences), time, sequences[0].shape[1]), np.float32)
    for row, sequence in zip(batch, sequences, strict=True):
        row[: len(sequence)] = sequence
    return {"inputs": batch, "lengths": np.array([len(sequence) for sequence in sequences], np.int32)}


@pytest.mark.parametrize("model", [models.sequence_to_vector, models.sequence_to_sequence])
@pytest.mark.parametrize("cell", CELLS)
def test_feature_vectors_come_with_their_lengths(model, cell, tmp_path):
    """Neither padding nor neighbours change an answer, also where a vector within is all zeros."""
    built = model(features=3, outputs=2, units=5, layers=2, cell=cell, seed=1)
    rng = np.random.default_rng(2)
    sequences = [rng.normal(size=(length, 3)) for length in (1, 4, 7)]
    sequences[1][2] = 0
    together = np.asarray(built(padded(sequences, 9)))
    for sequence, logits in zip(sequences, together, strict=True):
        alone = np.asarray(built(padded([sequence], len(sequence))))[0]
        np.testing.assert_allclose(logits[: len(alone)] if alone.ndim == 2 else logits, alone, atol=1e-5)
    built.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(padded(sequences, 9)), together)


def test_sequences_of_one_length_need_no_lengths():
    fixed = models.sequence_to_vector(features=3, time=4, outputs=2, units=5, seed=1)
    free = models.sequence_to_vector(features=3, outputs=2, units=5, seed=1)
    inputs = np.random.default_rng(0).normal(size=(2, 4, 3)).astype(np.float32)
    np.testing.assert_allclose(fixed({"inputs": inputs}), free(padded(list(inputs), 4)), atol=1e-6)


def test_an_answer_a_step_is_the_answer_to_what_was_read_so_far():
    """With the same weights, at every step, what sequence to vector answers to the sequence up to that step."""
    steps = models.sequence_to_sequence(VOCABULARY, outputs=2, units=5, layers=2, seed=3)
    once = models.sequence_to_vector(VOCABULARY, outputs=2, units=5, layers=2, seed=3)
    ids = np.array([[4, 9, 1, 7, 2]], np.int32)
    for time in range(1, 6):
        np.testing.assert_allclose(steps(ids)[:, time - 1], once(ids[:, :time]), atol=1e-5)


def test_a_model_reads_either_ids_or_vectors():
    for sizes in ({}, {"vocabulary_size": 3, "features": 2}):
        with pytest.raises(ValueError, match="one of vocabulary_size and features is wanted"):
            models.sequence_to_vector(outputs=1, units=2, **sizes)
