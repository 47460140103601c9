"""Characters in a graph are the characters of Python."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_tasks import text

VOCABULARY = text.character_vocabulary(["BTTXé", "😀 T"])


def test_the_vocabulary_holds_every_character_by_frequency():
    assert VOCABULARY.tokens == (*text.SPECIAL_TOKENS, "T", " ", "B", "X", "é", "😀")


def test_ids_of_known_and_unknown_characters():
    known, empty = text.character_ids(["BT?é", ""], VOCABULARY)
    assert known.tolist() == [6, 4, text.UNK, 8]
    assert empty.tolist() == []


@pytest.fixture(scope="module")
def encoder():
    return text.CharacterEncoder(VOCABULARY)


@settings(max_examples=100, deadline=None)
@given(strings=st.lists(st.text(st.sampled_from("BTXé😀 ?<"), max_size=12), min_size=1, max_size=6))
def test_the_graph_agrees_with_python(encoder, strings):
    rows = encoder(tf.constant(strings)).numpy()
    for ids, row in zip(text.character_ids(strings, VOCABULARY), rows, strict=True):
        expected = ids.tolist() or [text.UNK]
        assert row[: len(expected)].tolist() == expected
        assert not row[len(expected) :].any()


def test_no_row_is_all_padding(encoder):
    np.testing.assert_array_equal(encoder(tf.constant(["", "TT", ""])), [[1, 0], [4, 4], [1, 0]])


def test_bytes_that_are_not_utf8_are_unknown_characters(encoder):
    np.testing.assert_array_equal(encoder(tf.constant([b"T\xffT"])), [[4, text.UNK, 4]])


def test_special_tokens_in_a_string_are_plain_characters(encoder):
    np.testing.assert_array_equal(encoder(tf.constant(["<unk>"])), [[text.UNK] * 5])
