"""The bigram baseline on languages small enough to judge by eye."""

from rnn_tasks import evaluation, synthetic, text


def test_neighbours_and_borders_decide():
    members = ["abc", "cab"]
    strings = ["abc", "cab", "cabcab", "ab", "ba", "abcabc", "c", "", "bc", "abca"]
    assert evaluation.bigrams_known(members, strings) == [
        True,
        True,
        True,
        True,  # a may begin, b may end, ab is known: a bigram model cannot know better
        False,
        True,
        True,
        False,
        False,
        False,
    ]


def test_works_on_ids_and_on_nothing():
    assert evaluation.bigrams_known([[1, 2]], [[1, 2], [2, 1]]) == [True, False]
    assert evaluation.bigrams_known([], [[1]]) == [False]
    assert evaluation.bigrams_known([[1]], []) == []


def test_cannot_see_the_long_range_pair_of_embedded_reber_strings():
    splits = synthetic.reber_splits({"train": 4000, "test": 1000}, seed=1)
    train, test = splits["train"], splits["test"]
    members = [string for string, label in zip(train.strings, train.labels, strict=True) if label]
    judged = evaluation.bigrams_known(members, test.strings)
    accepted = [kind for kind, known in zip(test.kinds, judged, strict=True) if known]
    assert accepted.count(text.MEMBER) == 500
    assert accepted.count("long_range") == test.kinds.count("long_range")
