import unicodedata

import hypothesis.strategies as st
import pytest
import tensorflow as tf
from hypothesis import given, settings

from rnn_tasks.text.normalization import as_written, normalize


def normalized(text, lowercase=False):
    return normalize(tf.constant([text]), lowercase)[0].numpy().decode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  a \t b\r\n", "a b"),
        ("Quoi\u202f?\u00a0!\u2009\u3000x", "Quoi ? ! x"),
        ("l’homme ‘x’ “y”", "l'homme 'x' \"y\""),
        ("cafe\u0301", "caf\u00e9"),
        ("d&apos; &quot;x&quot; &#91;1&#93; &lt;b&gt; a&#124;b R&amp;D", 'd\' "x" [1] <b> a|b R&D'),
        ("&amp;quot;", "&quot;"),
        ("so\u00adft\u200b zero\ufeff\u0000\u0007", "soft zero"),
        ("a \u0007 b", "a b"),
        ("a\u0085b\u2028c", "a b c"),
        ("&lt;\u0338", "\u226e"),
        ("", ""),
        (" \u00a0\u0000", ""),
    ],
)
def test_one_spelling(text, expected):
    assert normalized(text) == expected


def test_lower_case_is_unicode_aware():
    assert normalized("ÉCOLE À Œuvre", lowercase=True) == "école à œuvre"
    assert normalized("ÉCOLE") == "ÉCOLE"


def test_bytes_that_are_no_utf8():
    assert normalize(tf.constant([b"a\xffb"]))[0].numpy().decode() == "a\ufffdb"


@settings(max_examples=150, deadline=None)
@given(texts=st.lists(st.text(st.characters(exclude_categories=("Cs",))), min_size=1, max_size=20))
def test_result_is_composed_single_spaced_and_free_of_controls(texts):
    for result in normalize(tf.constant(texts)).numpy():
        text = result.decode()
        assert unicodedata.is_normalized("NFC", text)
        assert " ".join(text.split()) == text
        assert not any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("l’homme\u202f: «\u00a0“x”…\u00a0»", "l’homme\u202f: «\u00a0“x”…\u00a0»"),
        ("d&apos; R&amp;D", "d&apos; R&amp;D"),
        ("cafe\u0301 so\u00adft\u200bzero", "cafe\u0301 so\u00adft\u200bzero"),
        ("  a \t b\r\u2028c\u0085\x1c\x00d  e\u00a0", "a b c d e"),
        ("\u3000全角\u3000空白", "全角\u3000空白"),
        (" \u00a0\u0000", ""),
    ],
)
def test_typography_is_kept_as_it_was_written(text, expected):
    assert as_written(tf.constant([text]))[0].numpy().decode() == expected


@settings(max_examples=150, deadline=None)
@given(texts=st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc"))), min_size=1, max_size=20))
def test_nothing_but_white_space_changes(texts):
    for text, result in zip(texts, as_written(tf.constant(texts)).numpy(), strict=True):
        assert "".join(result.decode().split()) == "".join(text.split())
        assert len(result.decode().splitlines()) <= 1
