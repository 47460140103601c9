"""Words that occur together more often than by chance become one word: `new york` is read as `new_york`."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Iterable, Iterator

from rnn_tasks import activity
from rnn_tasks.text.word_config import WordCorpusConfig
from rnn_tasks.text.word_corpus import Sentence
from rnn_tasks.text.word_form import JOINED

Phrases = set[tuple[str, str]]


class Counts:
    """Counts of things; if there are too many different ones, the rarest so far are forgotten.

    Args:
        limit: the largest number of different things at a time.
    """

    def __init__(self, limit: int):
        self.limit, self.counts, self.least = limit, collections.Counter(), 1  # type: ignore[var-annotated]

    def add(self, things: Iterable) -> None:
        """Count them."""
        self.counts.update(things)
        while len(self.counts) > self.limit:
            kept = {thing: count for thing, count in self.counts.items() if count > self.least}
            self.counts, self.least = collections.Counter(kept), self.least + 1


def learn_phrases(sentences: Iterable[Sentence], config: WordCorpusConfig) -> Phrases:
    """The pairs of neighbours whose score is above `phrase_threshold`.

    The score of a, b is (count(a b) - min_count) · words / (count(a) · count(b)).

    Args:
        sentences: of the training split.
        config: limits.

    References:
        Mikolov et al. 2013, "Distributed Representations of Words and Phrases", equation 6, and their program, which
        multiplies it by the number of words.
    """
    words, pairs, total = Counts(config.counted_words), Counts(config.counted_words), 0
    with activity.doing("counting phrases"):
        for sentence in sentences:
            words.add(sentence)
            pairs.add(itertools.pairwise(sentence))
            total += len(sentence)
    least = config.min_count
    return {
        (one, other)
        for (one, other), count in pairs.counts.items()
        if min(count, words.counts[one], words.counts[other]) >= least
        and (count - least) * total > config.phrase_threshold * words.counts[one] * words.counts[other]
    }


def with_phrases(sentences: Iterable[Sentence], phrases: Phrases) -> Iterator[Sentence]:
    """Sentences in which neighbours that form a phrase are joined into one word, from left to right."""
    for sentence in sentences:
        joined: Sentence = []
        open_ = False  # whether the last word may still get a neighbour
        for word in sentence:
            if open_ and (joined[-1], word) in phrases:
                joined[-1] += JOINED + word
                open_ = False
            else:
                joined.append(word)
                open_ = True
        yield joined
