"""A text on disk: what is counted, what is held out, and that memory is bounded."""

import numpy as np
import pytest

from rnn_tasks.errors import UserError
from rnn_tasks.text import Vocabulary, load_ids, prepare_words
from rnn_tasks.text.word_config import WordCorpusConfig
from rnn_tasks.text.word_ids import BLOCK, TEST_TEXT, WORDS, count_words, divided


def numbered(count):
    """Sentences that tell their place."""
    return [[f"s{number}", "the", "end"] for number in range(count)]


@pytest.mark.parametrize(("val", "test"), [(0.02, 0.02), (0.1, 0.1), (0.4, 0.1), (0.013, 0.2)])
def test_shares_and_whole_blocks(val, test):
    config = WordCorpusConfig(validation_fraction=val, test_fraction=test)
    splits = [split for split, _ in divided(numbered(BLOCK * 1000), config)]
    blocks = [set(splits[start : start + BLOCK]) for start in range(0, len(splits), BLOCK)]
    assert all(len(block) == 1 for block in blocks)
    assert splits.count("val") / len(splits) == pytest.approx(val, abs=0.002)
    assert splits.count("test") / len(splits) == pytest.approx(test, abs=0.002)
    held_out = [number for number, block in enumerate(blocks) if block != {"train"}]
    assert np.diff(held_out).max() <= 2 / (val + test)  # spread over the text


def test_ids_give_the_text_back_and_the_vocabulary_is_that_of_training(tmp_path):
    config = WordCorpusConfig(validation_fraction=0.2, test_fraction=0.2, min_count=1)
    text = numbered(BLOCK * 10)
    counts = prepare_words(lambda: iter(text), config, tmp_path)
    vocabulary = Vocabulary.load(tmp_path / WORDS)
    by_split = {name: [words for split, words in divided(text, config) if split == name] for name in ("train", "test")}
    sentence, found = [], []
    for number in load_ids(tmp_path, "train").tolist():
        sentence.append(vocabulary.tokens[number])
        if number == 0:
            found.append(sentence[:-1])
            sentence = []
    assert found == by_split["train"]
    assert set(vocabulary.tokens[4:]) == {word for words in by_split["train"] for word in words}
    assert (tmp_path / TEST_TEXT).read_text() == "".join(" ".join(words) + "\n" for words in by_split["test"])
    assert counts["train"] == sum(vocabulary.counts) == 3 * len(by_split["train"])
    assert counts["sentences"] == len(text)
    held_out = counts["sentences"] - len(by_split["train"])
    assert counts["words_left_out"] == held_out  # s0, s1, … of other splits


def test_rare_words_are_left_out_and_counted(tmp_path):
    config = WordCorpusConfig(validation_fraction=0.2, test_fraction=0.2, min_count=2)
    counts = prepare_words(lambda: iter(numbered(BLOCK * 10)), config, tmp_path)
    assert Vocabulary.load(tmp_path / WORDS).tokens[4:] == ("end", "the")
    assert counts["words_left_out"] == BLOCK * 10
    assert counts["vocabulary"] == 6


def test_counting_forgets_the_rarest_when_there_are_too_many():
    config = WordCorpusConfig(counted_words=1000)
    many = ([f"w{number}", "the", "of"] for number in range(50_000))
    counts = count_words(many, config)
    assert len(counts) <= 1000
    assert counts["the"] == counts["of"] == 50_000


def test_a_text_without_a_window_is_one_line(tmp_path):
    config = WordCorpusConfig(source="a.txt", validation_fraction=0.2, test_fraction=0.2)
    with pytest.raises(UserError, match=r"a.txt: no sentence of train has two words .*data.sentences"):
        prepare_words(lambda: iter([["one"], ["two"]] * 100), config, tmp_path)
    text = [["one", "two"] if split == "train" else ["one"] for split, _ in divided(numbered(200), config)]
    with pytest.raises(UserError, match="no sentence of val has two words"):
        prepare_words(lambda: iter(text), config, tmp_path)


def test_too_short_a_text_is_one_line(tmp_path):
    with pytest.raises(UserError, match="60 sentences leave none for val"):
        prepare_words(lambda: iter(numbered(60)), WordCorpusConfig(source="a.txt"), tmp_path)
    with pytest.raises(UserError, match=r"data.min_count: no two words of a.txt occur 5 times"):
        prepare_words(lambda: iter([["a", "b"]] * 3), WordCorpusConfig(source="a.txt"), tmp_path)
