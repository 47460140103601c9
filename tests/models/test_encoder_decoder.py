"""The encoder-decoder: padding never matters, one step is the sequence's step, it saves and compiles."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tasks import models, training

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


def test_impossible_settings_are_named():
    with pytest.raises(ValueError, match="must be even; found 7"):
        models.EncoderDecoder(9, 9, units=7)
    with pytest.raises(ValueError, match="needs attention"):
        models.EncoderDecoder(9, 9, attention="none", input_feeding=True)
