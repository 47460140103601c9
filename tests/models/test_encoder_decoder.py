"""The encoder-decoder: the equations' numbers, padding never matters, one step is the sequence's step, it saves."""

import contextlib
import functools
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tasks import decoding, layers, models, training
from tests.layers import oracles
from tests.models.dropped_units import check_masks, dropping

SOURCE = np.array([[5, 6, 7, 8], [9, 4, 0, 0]], np.int32)
TARGET_IN = np.array([[2, 5, 6], [2, 7, 0]], np.int32)
TARGET_OUT = np.array([[5, 6, 3], [7, 3, 0]], np.int32)

CASES = [
    {"cell": cell, "attention": attention, "bidirectional": both, "input_feeding": feeding, "tied": tied, "layers": n}
    for cell, attention, both, feeding, tied, n in [
        ("lstm", "luong", True, False, True, 2),
        ("lstm", "bahdanau", False, True, False, 1),
        ("gru", "bahdanau", True, False, True, 1),
        ("simple_rnn", "luong", False, True, True, 2),
        ("lstm", "none", False, False, False, 2),
    ]
]


def build(**options):
    keras.utils.set_random_seed(4)
    return models.EncoderDecoder(11, 12, units=8, embedding_dim=6, **options)


def pad(ids, by):
    return np.pad(ids, ((0, 0), (0, by)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(str(v) for v in case.values()))
class TestEveryShape:
    def test_right_padding_changes_nothing(self, case):
        model = build(**case)
        alone = model({"source": SOURCE[1:, :2], "target_in": TARGET_IN[1:, :2]})
        padded = model({"source": pad(SOURCE, 3), "target_in": pad(TARGET_IN, 4)})
        np.testing.assert_allclose(padded[1:, :2], alone, atol=1e-5)
        losses = [
            training.sequence_cross_entropy(logits, targets, 0.1)
            for logits, targets in [
                (model({"source": SOURCE, "target_in": TARGET_IN}), TARGET_OUT),
                (model({"source": pad(SOURCE, 2), "target_in": pad(TARGET_IN, 2)}), pad(TARGET_OUT, 2)),
            ]
        ]
        np.testing.assert_allclose(losses[0].total, losses[1].total, rtol=1e-5)
        assert losses[0].weight == losses[1].weight == 5

    def test_steps_are_the_sequence(self, case):
        model = build(**case)
        logits = model({"source": SOURCE, "target_in": TARGET_IN})
        memory, state = model.encode(SOURCE)
        for t in range(2):
            log_probabilities, state, alignment = model.step(TARGET_IN[:, t], state, memory)
            np.testing.assert_allclose(log_probabilities, tf.nn.log_softmax(logits[:, t]), atol=1e-5)
        if case["attention"] != "none":
            np.testing.assert_allclose(np.sum(alignment, axis=-1), 1.0, atol=1e-6)
            assert np.all(alignment.numpy()[1, 2:] == 0.0)

    def test_saves_and_loads(self, case, tmp_path):
        model = build(**case, dropout=0.2)
        model.save(tmp_path / "model.keras")
        again = keras.saving.load_model(tmp_path / "model.keras")
        inputs = {"source": SOURCE, "target_in": TARGET_IN}
        np.testing.assert_array_equal(model(inputs), again(inputs))

    def test_every_weight_learns(self, case):
        model = build(**case, dropout=0.1)

        @tf.function(jit_compile=case is CASES[0])
        def gradients():
            with tf.GradientTape() as tape:
                logits = model({"source": SOURCE, "target_in": TARGET_IN}, training=True)
                loss = training.sequence_cross_entropy(logits, TARGET_OUT)
            return [tf.convert_to_tensor(g) for g in tape.gradient(loss.total, model.trainable_weights)]

        for weight, gradient in zip(model.trainable_weights, gradients(), strict=True):
            assert np.any(gradient.numpy() != 0.0), weight.path
            assert np.all(np.isfinite(gradient.numpy())), weight.path


def lstm(cell, x, states):
    weights = {name: getattr(cell, name).numpy() for name in ("kernel", "recurrent_kernel", "bias")}
    return oracles.lstm(weights, x, *states)


def by_the_equations(model, score):
    """Logits of one layer with input feeding in NumPy: Luong et al. 2015, equations 5 to 8 and section 3.3."""
    encoder, wrapper = model.encoder[0].cell, model.decoder.cell
    words, seen = np.asarray(model.source_embedding.embeddings)[SOURCE], SOURCE != 0
    states, memory = [np.zeros((2, 8))] * 2, []
    for t in range(SOURCE.shape[1]):
        new = lstm(encoder, words[:, t], states)
        states = [np.where(seen[:, t, None], one, other) for one, other in zip(new, states, strict=True)]
        memory.append(states[0])
    memory = np.stack(memory, axis=1)  # (batch, source time, units)
    vector, logits = np.zeros((2, 6)), []
    table = np.asarray(model.target_embedding.embeddings)
    for t in range(TARGET_IN.shape[1]):
        states = lstm(wrapper.cell, np.hstack([table[TARGET_IN[:, t]], vector]), states)
        weights = np.exp(score(wrapper.attention, states[0], memory)) * seen
        alignment = weights / weights.sum(axis=-1, keepdims=True)
        context = np.einsum("bt,btu->bu", alignment, memory)
        vector = np.tanh(np.hstack([states[0], context]) @ wrapper.attention_layer.kernel.numpy())
        logits.append(vector @ table.T + model.output_bias.numpy())
    return np.stack(logits, axis=1)


def luong(attention, query, memory):
    return np.einsum("bu,btu->bt", query, memory @ attention.memory_projection.kernel.numpy())


def bahdanau(attention, query, memory):
    below = (query @ attention.query_projection.kernel.numpy())[:, None]
    return np.tanh(below + memory @ attention.memory_projection.kernel.numpy()) @ attention.scale.numpy()


@pytest.mark.parametrize("score", [luong, bahdanau])
def test_the_numbers_are_those_of_the_equations(score):
    model = build(bidirectional=False, attention=score.__name__, input_feeding=True)
    model.output_bias.assign(np.linspace(-1, 1, 12))
    inputs = {"source": SOURCE, "target_in": TARGET_IN}
    wanted = by_the_equations(model, score)
    for found in (model(inputs), model(inputs, training=True), tf.function(model)(inputs)):
        np.testing.assert_allclose(found, wanted, atol=1e-5)


def decoder_kernels(**options):
    report = layers.kernel_report(build(**options))
    return [use.kernel for use in report if use.name.startswith("decoder")]


@pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="the native kernels are made for CPUs")
def test_whole_sequences_take_the_native_kernel():
    """Without input feeding always, with it where the decoder is one LSTM with Luong's attention and no dropout."""
    for cell in ("lstm", "gru", "simple_rnn"):
        for attention in ("none", "luong", "bahdanau"):
            assert decoder_kernels(cell=cell, attention=attention, layers=2, dropout=0.1) == ["native"] * 2
    assert decoder_kernels(attention="luong", input_feeding=True) == ["native"]
    assert decoder_kernels(attention="luong", input_feeding=True, dropout=0.1) == ["step by step"]


@pytest.mark.parametrize("options", [{"attention": "none"}, {}, {"input_feeding": True}], ids=str)
@pytest.mark.parametrize("way", ["call", "training_step", "step"])
def test_dropout_at_inputs_and_outputs(options, way):
    """A mask of its own for every step, but with input feeding one for all inputs of a sequence."""
    model, ids = dropping(**options), np.ones((2, 40), np.int32)
    if way == "call":
        scores = model({"source": ids, "target_in": ids}, training=True)
    else:
        memory, state = model.encode(ids, training=True)
        scores = []
        alone = contextlib.nullcontext(functools.partial(model.step, training=True))
        with model.training_step(memory) if way == "training_step" else alone as step:
            for t in range(40):
                log_probabilities, state, _ = step(ids[:, t], state, memory)
                scores.append(log_probabilities)
        scores = tf.stack(scores, axis=1)
    check_masks(scores, shared=options.get("input_feeding", False) and way != "step")


def test_callers_in_threads_get_their_own_answers():
    """Through the model, and step by step in a search and in training, with one model for all."""
    model = build(attention="bahdanau", input_feeding=True, dropout=0.4, bidirectional=False)
    sources = [np.random.default_rng(i).integers(4, 11, (1 + i % 3, 2 + i)).astype("int32") for i in range(4)]

    def answers(source):
        memory, state = model.encode(source)
        found = decoding.greedy_search(model.step, state, memory, tf.fill([len(source)], 3))
        with model.training_step(memory) as step:
            for _ in range(2):
                scores, *_ = step(source[:, 0], state, memory)
                assert scores.shape == (len(source), 12)
                model.step(source[:, 0], state, memory)  # a look ahead without dropout leaves the masks alone
        return found.ids, found.scores, model({"source": source, "target_in": source})

    wanted = [answers(source) for source in sources]
    with ThreadPoolExecutor(4) as threads:
        for found, one in zip(threads.map(answers, sources * 2), wanted * 2, strict=True):
            for part, wanted_part in zip(found, one, strict=True):
                np.testing.assert_allclose(part, wanted_part, atol=1e-5)


def test_impossible_settings_are_named():
    with pytest.raises(ValueError, match="must be even; found 7"):
        models.EncoderDecoder(9, 9, units=7)
    with pytest.raises(ValueError, match="needs attention"):
        models.EncoderDecoder(9, 9, attention="none", input_feeding=True)
