"""Strings in, strings out: every line for itself, in order, in the source's own order of words."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tasks import export as exporting
from rnn_tasks import models, text

WORDS = ["red", "house", "cat", "the", "sees", "￭."]
LINES = ["the red cat sees the house.", "", "cat.", "the unknownword cat", "the cat " * 30, "red", "  ", "the cat sees"]


def translator(reverse, **options):
    keras.utils.set_random_seed(7)
    vocabulary = text.Vocabulary.from_counts({word: 9 - i for i, word in enumerate(WORDS)})
    model = models.EncoderDecoder(len(vocabulary), len(vocabulary), units=8, embedding_dim=8, layers=1, **options)
    for weight in model.trainable_weights:  # untrained weights say the same to everything
        weight.assign(weight * 4.0)
    tokenizer = text.Tokenizer(vocabulary)
    has_attention = options.get("attention") != "none"
    return exporting.Translator(
        model, tokenizer, tokenizer, reverse_source=reverse, has_attention=has_attention, max_length=40
    )


@pytest.fixture(scope="module")
def made():
    return translator(reverse=True)


@pytest.fixture(scope="module")
def translate(made):
    return made.compiled()


def test_a_line_is_translated_alone_as_among_others(translate):
    together = list(exporting.translate_lines(translate, LINES, 3, 1.0))
    assert len(together) == len(LINES)
    for line, hypotheses in zip(LINES, together, strict=True):
        (alone,) = exporting.translate_lines(translate, [line], 3, 1.0)
        assert [h.text for h in alone] == [h.text for h in hypotheses]
        np.testing.assert_allclose([h.score for h in alone], [h.score for h in hypotheses], rtol=1e-4)
        np.testing.assert_allclose(alone[0].alignment, hypotheses[0].alignment, atol=1e-5)


def test_empty_lines_have_empty_translations_and_others_have_not(translate):
    answers = [best.text for best, *_ in exporting.translate_lines(translate, LINES, 2, 1.0)]
    assert [answer == "" for answer in answers] == [not line.strip() for line in LINES]


def test_scores_fall_and_limits_hold(translate):
    for line, hypotheses in zip(LINES, exporting.translate_lines(translate, LINES, 4, 1.0), strict=True):
        scores = [h.score for h in hypotheses]
        assert scores == sorted(scores, reverse=True)
        for h in hypotheses:
            assert len(h.target_tokens) <= min(2 * len(h.source_tokens) + 10, 40)
            assert h.target_tokens[-1] == "<eos>"
            assert " ".join(h.source_tokens) == " ".join(line.replace(".", " ￭.").split())
            assert h.alignment.shape == (len(h.target_tokens), len(h.source_tokens))


def test_as_many_hypotheses_as_there_are():
    """Of at most two tokens: `<eos>` alone, and one word before it."""
    made = translator(reverse=False)
    made.max_length = 2
    words = len(made.target.vocabulary) - 3  # without <pad>, <go>, <eos>
    (hypotheses,) = exporting.translate_lines(made.compiled(), ["the cat sees"], words + 4, 1.0)
    assert [h.target_tokens[-1] for h in hypotheses] == ["<eos>"] * (words + 1)
    assert sorted(len(h.target_tokens) for h in hypotheses) == [1] + [2] * words
    assert all(np.isfinite(h.score) for h in hypotheses)


def test_alignments_stand_in_the_source_s_own_order(made):
    """What the model attends to, computed by hand on the reversed ids, turned round."""
    line = "the red cat sees"
    ((best, *_),) = exporting.translate_lines(made.compiled(), [line], 1, 0.0)
    ids = made.source.tokenize(tf.constant([line])).to_tensor()[:, ::-1]
    memory, state = made.model.encode(ids)
    _, _, alignment = made.model.step(tf.constant([text.GO]), state, memory)
    np.testing.assert_allclose(best.alignment[0], alignment[0][::-1], atol=1e-5)
    assert best.alignment[0].max() - best.alignment[0].min() > 0.01


def test_an_unknown_word_is_what_attention_looks_at():
    """A decoder made to say `<unk>` first copies the source word that it attends to."""
    made = translator(reverse=False)
    bias = np.zeros(len(made.target.vocabulary))
    bias[text.UNK] = 50.0
    made.model.output_bias.assign(bias)
    ((best, *_),) = exporting.translate_lines(made.compiled(), ["cat zebra"], 1, 0.0)
    looked_at = [best.source_tokens[i] for i in best.alignment.argmax(axis=1)]
    assert best.target_tokens[:-1] == looked_at[:-1]
    without = translator(reverse=False, attention="none")
    without.model.output_bias.assign(bias)
    ((best, *_),) = exporting.translate_lines(without.compiled(), ["cat zebra"], 1, 0.0)
    assert set(best.target_tokens[:-1]) == {"<unk>"}
