"""Nearest words and analogies against NumPy, and close spellings."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tasks.export import Spellings, WordLookup

WORDS = ["<pad>", "<unk>", "king", "queen", "man", "woman", "Été"]
VECTORS = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)
VECTORS[3] = VECTORS[2] - VECTORS[4] + VECTORS[5] + 0.01


@pytest.fixture(scope="module")
def lookup():
    return WordLookup(WORDS, keras.Variable(VECTORS), hidden=2, lowercase=False)


def test_neighbours_are_numpys(lookup):
    found = lookup.neighbours(tf.constant(["king", "Été", "<pad>", "no"]), 3)
    assert found["known"].numpy().tolist() == [True, True, False, False]
    unit = VECTORS / np.linalg.norm(VECTORS, axis=1, keepdims=True)
    for answer, cosines, row in zip(found["words"].numpy(), found["cosines"].numpy(), (2, 6), strict=False):
        expected = [n for n in np.argsort(-unit @ unit[row]) if n not in (0, 1, row)][:3]
        assert [word.decode() for word in answer] == [WORDS[n] for n in expected]
        np.testing.assert_allclose(cosines, (unit @ unit[row])[expected], atol=1e-6)


def test_never_more_than_there_are(lookup):
    assert lookup.neighbours(tf.constant(["king"]), 100)["words"].shape == (1, 4)
    (answers,) = lookup.analogies(tf.constant([["man", "king", "woman"]]), 100)["words"].numpy()
    assert {word.decode() for word in answers} == {"queen", "Été"}


def test_analogies(lookup):
    found = lookup.analogies(tf.constant([["man", "king", "woman"], ["man", "kin", "woman"]]), 1)
    assert found["words"].numpy()[0].tolist() == [b"queen"]
    assert found["known"].numpy().tolist() == [[True] * 3, [True, False, True]]


def test_case_and_vectors():
    lookup = WordLookup([word.lower() for word in WORDS], keras.Variable(VECTORS), hidden=2, lowercase=True)
    np.testing.assert_array_equal(lookup.vector(tf.constant(["KING", "ÉTÉ", "no"])), [VECTORS[2], VECTORS[6], [0] * 5])


def test_spellings():
    spellings = Spellings(["horse", "house", "hours", "mountain", "Paris", "été"])
    assert set(spellings.near("Hors")) == {"horse", "hours", "house"}
    assert "Paris" in spellings.near("parris")
    assert spellings.near("mountian") == ["mountain"]
    assert spellings.near("xyzzy") == []
    assert spellings.near("") == []
