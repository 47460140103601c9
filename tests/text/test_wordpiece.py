from collections import Counter

import pytest
import tensorflow as tf

from rnn_tasks.text.tokenizer import Tokenizer
from rnn_tasks.text.vocabulary import SPECIAL_TOKENS, UNK, Vocabulary
from rnn_tasks.text.wordpiece import learn_wordpieces

STEMS = ["port", "parl", "mang", "chant", "regard", "march", "montr", "pass", "rest", "trouv", "donn", "aim"]
ENDINGS = ["e", "es", "ons", "ez", "ent", "ait", "aient", "ant", "er", "era", "eront"]
SENTENCES = [f"L'{stem}{ending}, (il) {stem}." for stem in STEMS for ending in ENDINGS]


@pytest.fixture(scope="module")
def counts():
    words = Tokenizer(Vocabulary.from_counts({})).words(tf.constant(SENTENCES)).flat_values.numpy()
    return Counter(word.decode() for word in words)


@pytest.mark.parametrize("size", [120, 150, 190])
def test_as_many_pieces_as_asked_for(counts, size):
    vocabulary = learn_wordpieces(counts, size)
    assert len(vocabulary) == size
    assert list(vocabulary.counts[4:]) == sorted(vocabulary.counts[4:], reverse=True)


def test_no_more_pieces_than_there_are(counts):
    vocabulary = learn_wordpieces(counts, 50_000)
    assert set(counts) <= set(vocabulary.tokens)
    assert len(vocabulary) < 2 * len(counts)


def test_every_character_alone_and_as_a_suffix(counts):
    characters = {character for word in counts for character in word}
    tokens = set(learn_wordpieces(counts, 140).tokens)
    assert characters | {f"##{character}" for character in characters} <= tokens


def test_stems_and_endings_are_found(counts):
    tokens = set(learn_wordpieces(counts, 140).tokens)
    assert {*STEMS} <= tokens
    assert {"##aient", "##eront", "##ons", "##ez"} <= tokens


def test_unseen_words_are_cut_into_pieces(counts):
    tokenizer = Tokenizer(learn_wordpieces(counts, 140), level="wordpiece")
    ids = tokenizer.tokenize(["portaient", "gardons", "mangeront (restaient)."])
    assert UNK not in ids.flat_values.numpy()
    assert tokenizer.tokens(ids[0]).numpy().tolist() == [b"port", b"##aient"]


def test_counts_are_those_of_use(counts):
    vocabulary = learn_wordpieces(counts, 140)
    ids = Tokenizer(vocabulary, level="wordpiece").tokenize(SENTENCES).flat_values.numpy()
    assert dict(zip(vocabulary.tokens, vocabulary.counts, strict=True)) == {
        **dict.fromkeys(vocabulary.tokens, 0),
        **Counter(vocabulary.tokens[i] for i in ids),
    }
    assert vocabulary.counts[:4] == (0,) * len(SPECIAL_TOKENS)


def test_the_order_of_the_counts_is_of_no_matter(counts):
    backwards = dict(reversed(list(counts.items())))
    assert learn_wordpieces(backwards, 140) == learn_wordpieces(counts, 140)


def test_frequent_characters_are_kept_when_there_are_too_many():
    counts = {chr(0x4E00 + i): 100 - i for i in range(90)}
    vocabulary = learn_wordpieces(counts, 54)
    assert len(vocabulary) <= 54
    assert {chr(0x4E00 + i) for i in range(12)} <= set(vocabulary.tokens)


def test_characters_that_are_words_need_no_second_entry(counts):
    """Chinese beside a few words in Latin letters: half of the entries are for characters, each of them once."""
    chinese = {chr(0x4E00 + i): 1000 - i for i in range(500)}
    tokens = learn_wordpieces(counts | chinese, 204).tokens
    assert [token for token in chinese if token in tokens] == list(chinese)[:100]
    assert not any(f"##{token}" in tokens for token in chinese)
    assert {*STEMS[:4], "##ons"} <= set(tokens)
    assert len(learn_wordpieces({"a￭": 3, "b": 1} | chinese, 504).tokens) == 504  # a few pieces leave the rest
