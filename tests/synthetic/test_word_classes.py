"""The embedded text of embeddings: every class has words, all of them occur, and pairs stay together."""

import collections

from rnn_tasks.synthetic import class_sentences
from rnn_tasks.synthetic.word_classes import class_analogies, word_classes


def test_all_words_of_all_classes_occur():
    counts = collections.Counter(word for words in class_sentences(20_000, 1) for word in words)
    classes = word_classes()
    assert min(counts[word] for word in classes) > 50
    assert len(set(classes.values())) == 19
    assert set(collections.Counter(classes.values()).values()) <= set(range(6, 13))
    assert len(counts) > len(classes) + 100  # and words around them


def test_the_seed_decides_the_text():
    first, again, other = (list(class_sentences(100, seed)) for seed in (1, 1, 2))
    assert first == again != other


def test_a_capital_stands_with_its_own_country():
    pairs = {tuple(one[:2]) for one in class_analogies()["capital-country"]}
    capitals, countries = (set(side) for side in zip(*pairs, strict=True))
    for words in class_sentences(3_000, 1):
        both = [word for word in words if word in capitals | countries]
        if len(both) == 2:
            assert tuple(both) in pairs or tuple(both[::-1]) in pairs
    assert len(class_analogies()["capital-country"]) == 12 * 11
