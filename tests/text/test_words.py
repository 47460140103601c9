"""Sentences to words and back: golden splits, and that nothing is lost, whatever the text."""

import re

import hypothesis.strategies as st
import pytest
import tensorflow as tf
from hypothesis import example, given, settings

from rnn_tasks.text.normalization import as_written, normalize
from rnn_tasks.text.words import JOINER, WordSplitter, join_words, split_words

# Letters, marks, spaces, quotes, what the code itself treats specially, emoji, scripts without spaces.
TRICKY = st.text(
    st.sampled_from("ab1F20éÉ\u0301-'’.#&;()<>|/\\$ \u00a0\u202f\u3000\n\t￭％■_😀👩\u200d中文字かナー。，Ａนน้ำءक्ष")
) | st.text(st.characters(exclude_categories=("Cs",)))
# Of ASCII punctuation a word holds hyphens and a last apostrophe only.
WORD = re.compile(r"[^\x00-,./:-@\[-`{-\x7f]+'?|％[0-9A-F]{4}|[^\x00-\x7f]+(&apos;)?|\w+&apos;|&#?\w+;")


def decoded(strings):
    return [string.decode() for string in strings.numpy()]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("maison.", "maison ￭."),
        ("(a", "(￭ a"),
        ("l'homme", "l'￭ homme"),
        ("l' homme", "l' homme"),
        ("don't", "don'￭ t"),
        ("rock'n'roll", "rock'￭ n'￭ roll"),
        ("un tee-shirt bleu", "un tee-shirt bleu"),
        ("a - b -c d-", "a - b -￭ c d ￭-"),
        ("fini...", "fini ￭. ￭. ￭."),
        ("3.5 % (50$)", "3 ￭.￭ 5 % (￭ 50 ￭$ ￭)"),
        ("« Oui », dit-il", "« Oui » ￭, dit-il"),
        ("L'homme (à droite) dort.", "L'￭ homme (￭ à droite ￭) dort ￭."),
        ("👩\u200d👧", "👩 ￭\u200d ￭👧"),
        ("q\u0301a", "q\u0301a"),
        ("##a", "# ￭#￭ a"),
        ("", ""),
        # typography
        ("l’homme “dort”…", "l’￭ homme “￭ dort ￭” ￭…"),
        ("Quoi\u202f! «\u00a0Non\u00a0»", "Quoi ％202F ! « ％00A0 Non ％00A0 »"),
        ("l&apos; un &quot; d&apos;un &#124; &quot", "l&apos; un &quot; d&apos;￭ un &#124; &￭ quot"),
        ("un@@ mot ￭ 5％ ％00A0", "un ￭@ ￭@ mot ％0020 ％FFED ％0020 5 ％FF05 ％0020 ％FF05 00A0"),
        # scripts without spaces
        ("我用 Keras 3。好", "我 用 ％0020 Keras 3 。 好"),
        ("「東京」へ、ＯＫ！", "「 東 京 」 へ 、 Ｏ Ｋ ！"),
        ("コーヒー", "コ ー ヒ ー"),
        ("ฉันรัก น้ำ", "ฉั น รั ก ％0020 น้ ำ"),
        ("한국어 문장.", "한국어 문장 ￭."),
    ],
)
def test_golden_splits(text, tokens):
    assert decoded(split_words(as_written(tf.constant([text])))) == [tokens]


def test_pieces_are_learned_of_phrases_but_not_of_chinese_characters():
    pieces = WordSplitter("wordpiece")
    assert decoded(pieces.split(tf.constant(["私はすき。น้ำ"]))) == ["私 はすき ￭。￭ น้ำ"]


def test_words_that_come_segmented_stay_whole():
    segmented = WordSplitter(segmented=True)
    lines = tf.constant(["我 爱 北京 。", "น้ำ ดี"])
    assert decoded(segmented.split(lines)) == ["我 爱 北京 。", "น้ำ ดี"]
    assert decoded(segmented.join(segmented.split(lines))) == decoded(lines)


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(TRICKY, min_size=1, max_size=20))
@example(texts=["￭ ￭a￭ ￭", "''a''", "' '", "a\u0301 \u0301", "-", "a-", "-a", "a--b", "#", "# ##a"])
@example(
    texts=["％", "％ 00A0", "％00A0", "\u00a0％FF05", "％％0020 ％", "a ％FFED￭", "&amp;apos;", "\u0301 中。\u094d0"]
)
@pytest.mark.parametrize("spell", [normalize, as_written])
@pytest.mark.parametrize("how", [("word", False), ("wordpiece", False), ("word", True)], ids=str)
def test_joining_undoes_splitting(spell, how, texts):
    level, segmented = how
    splitter = WordSplitter(level, keeps_typography=spell is as_written, segmented=segmented)
    split = splitter.split(tf.constant(texts))
    assert decoded(splitter.join(split)) == decoded(spell(tf.constant(texts)))
    for tokens in decoded(split):
        assert tokens.split() == ([] if not tokens else tokens.split(" ")), "a token holds white space"
        for token in tokens.split():
            bare = token.strip(JOINER)
            assert bare, "a mark stands alone"
            assert len(bare) == 1 or WORD.fullmatch(bare)


def test_a_code_that_no_text_can_have_does_no_harm():
    assert decoded(join_words(tf.constant(["a ％0020 ％0020 b ％12 ￭％", "％202F"]))) == ["a  b ％12％", "\u202f"]
