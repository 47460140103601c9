"""Kneser-Ney n-grams: nltk's probabilities, and a distribution."""

import numpy as np
import pytest
from nltk.lm import KneserNeyInterpolated
from nltk.lm.counter import NgramCounter

from rnn_tasks.evaluation import KneserNey

START, FIRST, VOCABULARY = 2, 3, 8


def text_of(length, seed, documents=(0,)):
    """Tokens 3 to 7, each often followed by the next."""
    rng = np.random.default_rng(seed)
    ids = [3]
    for _ in range(length - 1):
        ids.append(int(rng.choice([ids[-1] % 5 + 3, rng.integers(3, VOCABULARY)])))
    return np.array(ids, np.int32), np.array(documents, np.int64)


@pytest.mark.parametrize("order", [2, 3, 5])
def test_with_one_discount_it_is_nltks(order):
    (train, documents), (test, _) = text_of(150, 1, (0, 40)), text_of(40, 2)
    padded = [[START] * (order - 1) + part.tolist() for part in np.split(train, documents[1:])]
    grams = [
        tuple(text[end - length : end])
        for text in padded
        for length in range(1, order + 1)
        for end in range(order, len(text) + 1)
    ]
    theirs = KneserNeyInterpolated(order, discount=0.1)
    theirs.fit([], vocabulary_text=[])
    theirs.counts = NgramCounter([grams])
    theirs.estimator.counts = theirs.counts
    text = [START] * (order - 1) + test.tolist()
    expected = [
        theirs.unmasked_score(text[place], tuple(text[place - order + 1 : place]))
        for place in range(order - 1, len(text))
    ]
    ours = KneserNey(train, documents, VOCABULARY, 6, order, discount=0.1, smooth_unigrams=False)
    found = np.exp(ours.log_probabilities(test, np.array([0])))
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("discount", [None, 0.1])
def test_probabilities_add_up_to_one_over_what_can_come(discount):
    model = KneserNey(*text_of(2000, 1, (0, 700)), VOCABULARY, possible=6, discount=discount)
    context, _ = text_of(9, 5)
    for length in range(9):
        total = sum(
            np.exp(model.log_probabilities(np.array([*context[:length], token]), np.array([0]))[-1])
            for token in (1, 3, 4, 5, 6, 7)  # `<unk>` is never seen
        )
        assert total == pytest.approx(1.0)


def test_the_modified_model_foretells_better_than_one_discount_and_than_shorter_ones():
    train, test = text_of(5000, 1), text_of(2000, 2)
    modified, plain, unigrams = (
        -np.mean(KneserNey(*train, VOCABULARY, 6, **settings).log_probabilities(*test))
        for settings in ({"order": 3}, {"order": 3, "discount": 0.1}, {"order": 1})
    )
    assert modified < plain < unigrams


def test_discounts_are_those_of_the_paper():
    """Counts of counts 10, 5, 3, 2: Y = 10 / 20."""
    from rnn_tasks.evaluation.kneser_ney import _discounts

    counts = np.array([1] * 10 + [2] * 5 + [3] * 3 + [4] * 2 + [9, 0])
    found = _discounts(counts)
    assert found[[0, 10, 15, 18, 20, 21]] == pytest.approx(
        [0.5, 2 - 3 * 0.5 * 3 / 5, 3 - 2 * 2 / 3] + [3 - 2 * 2 / 3] * 2 + [0]
    )


def test_where_no_count_of_counts_is_there_discounts_are_kenlms():
    from rnn_tasks.evaluation.kneser_ney import _discounts

    counts = np.array([0, 1, 1, 2, 4, 9])  # nothing was seen three times
    assert _discounts(counts).tolist() == [0, 0.5, 0.5, 1, 1.5, 1.5]


def test_the_favourite_is_what_stood_most_often_behind_the_longest_known_context():
    train = np.array([3, 4, 5, 3, 4, 6, 3, 4, 6, 7, 4, 5, 7, 4, 5])
    model = KneserNey(train, np.array([0]), VOCABULARY, 6, order=3)
    found = model.favourites(np.array([3, 4, 0, 7, 4, 0]), np.array([0]))
    assert found[2] == 6  # behind 3 4
    assert found[5] == 5  # behind 7 4


def test_a_long_text_is_judged_in_parts_that_change_nothing(monkeypatch):
    train, (test, _) = text_of(2000, 1, (0, 500)), text_of(300, 2)
    model, documents = KneserNey(*train, VOCABULARY, 6), np.array([0, 100, 101])
    whole = model.log_probabilities(test, documents), model.favourites(test, documents)
    monkeypatch.setattr("rnn_tasks.evaluation.kneser_ney.PART", 7)
    np.testing.assert_array_equal(model.log_probabilities(test, documents), whole[0])
    np.testing.assert_array_equal(model.favourites(test, documents), whole[1])
