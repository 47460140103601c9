"""What a data set of English-French pairs promises: the same for a seed, and combinations held out."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys

import pytest

from rnn_tasks.errors import UserError
from rnn_tasks.synthetic import english_french_pairs
from rnn_tasks.synthetic.english_french.pairs import MOST_PAIRS, TEACHING_PAIRS, combination_split, drawn_pairs, words


def test_the_same_seed_gives_the_same_pairs_and_a_longer_list_starts_with_the_shorter():
    first = list(english_french_pairs("train", 300, 7))
    assert list(english_french_pairs("train", 500, 7))[:300] == first
    assert list(english_french_pairs("train", 300, 8)) != first


def test_another_process_draws_the_same_pairs():
    program = (
        "import sys; from rnn_tasks.synthetic import english_french_pairs\n"
        "pairs = list(english_french_pairs('train', 200, 3))\n"
        "assert not {'tensorflow', 'nltk', 'keras'} & set(sys.modules)\nprint(pairs[-1])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == repr(list(english_french_pairs("train", 200, 3))[-1])


@pytest.mark.parametrize("seed", [0, 42])
def test_splits_are_disjoint_and_ask_for_new_combinations_of_known_words(seed):
    train = list(english_french_pairs("train", TEACHING_PAIRS, seed))
    known = set().union(*(words(english) | words(french) for english, french in train))
    sources = {english for english, _ in train}
    assert len(sources) == TEACHING_PAIRS
    for split in ("val", "test"):
        pairs = list(english_french_pairs(split, 500, seed))
        held_out = {english for english, _ in pairs}
        assert len(held_out) == 500
        assert not held_out & sources
        assert set().union(*(words(english) | words(french) for english, french in pairs)) <= known
        sources |= held_out


def test_combinations_are_held_out(grammar):
    split_of = combination_split(5)
    seen = {
        split: [{split_of(c) for c in found} for _, _, found in itertools.islice(drawn_pairs(grammar, split, 5), 2000)]
        for split in MOST_PAIRS
    }
    assert set().union(*seen["train"]) == {"train"}
    for split in ("val", "test"):
        assert all(split in splits and splits <= {split, "train"} for splits in seen[split])


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_an_adjective_next_to_a_noun_is_a_combination(grammar, split):
    """Read off the text, not the derivation: no training sentence has a held-out adjective before its noun."""
    split_of = combination_split(6)
    lemma = {form: noun.lemma for nouns in grammar.lexicon.nouns.values() for noun in nouns for form in noun.english}
    met = set()
    for english, _ in english_french_pairs(split, 3000 if split == "train" else 300, 6):
        for word, after in itertools.pairwise(re.findall(r"apple juice|[\w']+", english)):
            if word in grammar.lexicon.adjectives and after in lemma:
                met.add(split_of(f"{word}+{lemma[after]}"))
    assert met == {"train"} if split == "train" else {split} <= met <= {split, "train"}


@pytest.mark.parametrize(("split", "count"), [("train", 1_000_001), ("test", 50_001), ("train", -1), ("dev", 5)])
def test_impossible_requests_are_told_at_once(split, count):
    with pytest.raises(UserError, match="1000000|50000|train, val, test"):
        english_french_pairs(split, count, 0)
