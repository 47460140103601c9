import unicodedata

import hypothesis.strategies as st
import pytest
import tensorflow as tf
from hypothesis import given, settings

from rnn_tasks.text.normalization import JOINER, normalize


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
        (f"a{JOINER}b", "a■b"),
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
        assert JOINER not in text
        assert not any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in text)
