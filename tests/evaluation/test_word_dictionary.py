import numpy as np
import pytest

from rnn_tasks import evaluation


def parallel_corpus(size=60, pairs=1500, seed=0):
    """Sentences translated by a known permutation, in shuffled order, every one ended by the same full stop."""
    rng = np.random.default_rng(seed)
    truth = np.concatenate([np.arange(5), 5 + rng.permutation(size - 5)])  # id 4: the full stop on both sides
    zipf = 1 / np.arange(1, size - 4)
    corpus = []
    for _ in range(pairs):
        source = np.append(5 + rng.choice(size - 5, size=rng.integers(3, 9), p=zipf / zipf.sum()), 4)
        corpus.append((source.astype(np.int32), rng.permutation(truth[source]).astype(np.int32)))
    return corpus, truth


def test_recovers_a_known_dictionary():
    corpus, truth = parallel_corpus()
    dictionary = evaluation.learn_dictionary(corpus, 60, 60)
    assert dictionary.dtype == np.int32
    np.testing.assert_array_equal(dictionary, truth)


def test_one_round_of_em_is_the_closed_form():
    # Two sentences "a b" = "x y", "a" = "x". From uniform p, each target token shares itself over NULL and the words:
    # count(x|a) = 1/3 + 1/2, count(y|a) = 1/3; count(x|b) = count(y|b) = 1/3, where the lower id wins.
    a, b, x, y = 4, 5, 7, 6
    pairs = [(np.array([a, b]), np.array([x, y])), (np.array([a]), np.array([x]))]
    assert evaluation.learn_dictionary(pairs, 6, 8, iterations=1).tolist() == [0, 1, 2, 3, x, y]


def test_later_rounds_explain_away():
    # Beyond one round `b` must take `y`, because `a` has taken `x`, although both stood beside `b` equally often.
    a, b, x, y = 4, 5, 6, 7
    pairs = [(np.array([a, b]), np.array([x, y])), (np.array([a]), np.array([x]))]
    assert evaluation.learn_dictionary(pairs, 6, 8, iterations=1)[b] == x
    assert evaluation.learn_dictionary(pairs, 6, 8, iterations=5)[b] == y


def test_specials_stand_for_themselves_and_unseen_words_are_unknown():
    pairs = [(np.array([2, 5, 1, 3]), np.array([2, 1, 6, 3]))]
    assert evaluation.learn_dictionary(pairs, 7, 9).tolist() == [0, 1, 2, 3, 1, 6, 1]
    assert evaluation.learn_dictionary([], 6, 6).tolist() == [0, 1, 2, 3, 1, 1]
    assert evaluation.learn_dictionary([(np.array([4]), np.array([]))], 5, 5).tolist() == [0, 1, 2, 3, 1]


def test_empty_sentences_between_others_change_nothing():
    corpus, _ = parallel_corpus(pairs=40)
    empty = np.zeros(0, np.int32)
    holes = [pair for each in corpus for pair in (each, (empty, empty), (each[0], empty), (empty, empty))]
    np.testing.assert_array_equal(
        evaluation.learn_dictionary(corpus, 60, 60), evaluation.learn_dictionary(holes, 60, 60)
    )


def test_translation_beats_chance_on_held_out_sentences():
    corpus, _ = parallel_corpus(seed=1)
    train, test = corpus[:1400], corpus[1400:]
    dictionary = evaluation.learn_dictionary(iter(train), 60, 60)
    shuffled = np.random.default_rng(0).permutation(dictionary)

    def unigram_recall(translator):
        found = [np.isin(target, evaluation.translate_ids(source, translator)).mean() for source, target in test]
        return np.mean(found)

    assert unigram_recall(dictionary) == 1
    assert unigram_recall(shuffled) < 0.5


@pytest.mark.parametrize(("limits", "read"), [({"max_pairs": 3}, 4), ({"max_links": 5}, 3)])
def test_reading_stops_at_its_limits(limits, read):
    taken = []

    def pairs():
        for word in range(4, 10):
            taken.append(word)
            yield np.array([word]), np.array([word])  # two links each: the word and NULL

    dictionary = evaluation.learn_dictionary(pairs(), 10, 10, **limits)
    assert len(taken) <= read
    assert (dictionary[4:] > 1).sum() == (3 if "max_pairs" in limits else 2)


def test_translate_ids_keeps_shape():
    dictionary = np.array([0, 1, 2, 3, 9, 8], np.int32)
    np.testing.assert_array_equal(
        evaluation.translate_ids(np.array([[4, 5, 0], [5, 1, 0]]), dictionary), [[9, 8, 0], [8, 1, 0]]
    )
