"""Phrases: the score by hand, joined from left to right, pass by pass."""

import itertools

from rnn_tasks.text import Vocabulary, prepare_words
from rnn_tasks.text.phrases import learn_phrases, with_phrases
from rnn_tasks.text.word_config import WordCorpusConfig
from rnn_tasks.text.word_ids import WORDS

TEXT = [["new", "york", "city", "is", "big"]] * 10 + [["the", "city", "is", "new"]] * 20


def score(one, other, least=5):
    words = [word for sentence in TEXT for word in sentence]
    both = sum(pair == (one, other) for sentence in TEXT for pair in itertools.pairwise(sentence))
    return (both - least) * len(words) / words.count(one) / words.count(other)


def test_pairs_above_the_threshold():
    exact = score("new", "york")
    for threshold, found in ((exact * 0.99, True), (exact * 1.01, False)):
        phrases = learn_phrases(TEXT, WordCorpusConfig(phrase_threshold=threshold))
        assert (("new", "york") in phrases) == found
        expected = {pair for pair in (("city", "is"), ("york", "city"), ("the", "city")) if score(*pair) > threshold}
        assert phrases - {("new", "york"), ("is", "big"), ("is", "new")} == expected
    assert learn_phrases(TEXT, WordCorpusConfig(min_count=11, phrase_threshold=0.01)).isdisjoint({("new", "york")})


def test_a_word_belongs_to_one_phrase_a_pass():
    phrases = {("a", "b"), ("b", "c"), ("a_b", "c")}
    (once,) = with_phrases([["a", "b", "c", "b", "c", "a"]], phrases)
    assert once == ["a_b", "c", "b_c", "a"]
    assert list(with_phrases([once], phrases)) == [["a_b_c", "b_c", "a"]]


def test_passes_double_phrases_in_all_splits(tmp_path):
    text = [["new", "york", "city", "hall"], ["one", "two"], ["one", "three"], ["two", "one", "three", "two"]] * 300
    config = WordCorpusConfig(validation_fraction=0.2, test_fraction=0.2, phrases=2, phrase_threshold=6)
    counts = prepare_words(lambda: iter(text), config, tmp_path)
    assert "new_york_city_hall" in Vocabulary.load(tmp_path / WORDS).tokens
    assert "york" not in Vocabulary.load(tmp_path / WORDS).tokens
    assert "new_york_city_hall\n" in (tmp_path / "test.txt").read_text()
    assert counts["phrases"] == 4  # new york, york city, city hall; new_york city_hall
