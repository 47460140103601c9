"""An interpolated n-gram model with Kneser-Ney smoothing, based on array operations.

nltk.lm has the same model with one discount. It counts all continuations again for every query, which takes hours on a
million symbols. A test compares our probabilities with nltk's. The modified model has three discounts, which nltk does
not have; they are estimated from the counts of counts.

References:
    Chen & Goodman (1999), An empirical study of smoothing techniques for language modeling, sections 2.7 and 3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

FALLBACK = [0.0, 0.5, 1.0, 1.5]  # subtracted from counts of 0, 1, 2, 3 and more; as KenLM's lmplz --discount_fallback
PART = 1 << 20  # tokens of a text that are scored at once


class _Order(NamedTuple):
    """The counts of all n-grams of one length.

    Attributes:
        codes: (grams,) int64, sorted: the id of the first n - 1 tokens as a gram of the length below, times the
            vocabulary, plus the last token.
        counts: (grams,) number of occurrences; for n-grams below the longest, number of different tokens before it.
        discounts: (grams,) amount subtracted from each count.
        totals: (contexts,) sum of the counts of the grams that begin with each context.
        left: (contexts,) share of the total that was subtracted.
        favourite: (contexts,) the token with the highest count.
    """

    codes: np.ndarray
    counts: np.ndarray
    discounts: np.ndarray
    totals: np.ndarray
    left: np.ndarray
    favourite: np.ndarray


class KneserNey:
    """An n-gram model of token ids.

    Args:
        ids: (tokens,) the training text, without the id `start`.
        documents: start positions of the documents; no n-gram spans two documents.
        vocabulary: number of ids.
        possible: number of ids that can be the next token; the remaining probability is spread evenly over them.
        order: tokens of the longest n-gram.
        discount: one for all, as in nltk; None estimates three for each length.
        start: the id before a document.
        smooth_unigrams: nltk does not smooth them: there a token that was never seen has probability 0.
    """

    def __init__(
        self,
        ids: np.ndarray,
        documents: np.ndarray,
        vocabulary: int,
        possible: int,
        order: int = 5,
        discount: float | None = None,
        start: int = 2,
        smooth_unigrams: bool = True,
    ):
        self.vocabulary, self.possible, self.order, self.start = vocabulary, possible, order, start
        self.smooth_unigrams = smooth_unigrams
        text, is_token = self._padded(ids, documents)
        grams, codes = [np.zeros(len(text), np.int64)], []  # of length 0 there is one gram
        for _ in range(order):
            before = np.concatenate([[0], grams[-1][:-1]])
            found, inverse = np.unique(before * vocabulary + text, return_inverse=True)
            codes.append(found)
            grams.append(inverse.astype(np.int64))
        self._orders = []
        for length in range(1, order + 1):
            size = len(codes[length - 1])
            if length == order:
                counts = np.bincount(grams[length][is_token], minlength=size)
            else:  # each longer gram counts once for the gram that it ends with
                _longer, last = np.unique(grams[length + 1][is_token], return_index=True)
                ends = grams[length][is_token][last]
                counts = np.bincount(ends, minlength=size)
            contexts = len(codes[length - 2]) if length > 1 else 1
            self._orders.append(self._counted(codes[length - 1], counts, contexts, discount))

    def log_probabilities(self, ids: np.ndarray, documents: np.ndarray) -> np.ndarray:
        """Log probability of each token of a text, (tokens,), in nats; -inf for impossible tokens."""
        with np.errstate(divide="ignore"):
            return np.log(self._of_parts(self._probabilities, ids, documents))

    def favourites(self, ids: np.ndarray, documents: np.ndarray) -> np.ndarray:
        """For each token, (tokens,), the most frequent token after its longest context that occurs in training."""
        return self._of_parts(self._favourites, ids, documents)

    def _probabilities(self, text: np.ndarray) -> np.ndarray:
        probability = np.full(len(text), 1.0 / self.possible)
        for order, context, gram in self._looked_up(text):
            total = np.where(context >= 0, order.totals[context], 0)
            seen = np.where(gram >= 0, order.counts[gram] - order.discounts[gram], 0.0)
            left = order.left[context]
            if order is self._orders[0] and not self.smooth_unigrams:
                seen, left = np.where(gram >= 0, order.counts[gram], 0.0), np.zeros(())
            with np.errstate(divide="ignore", invalid="ignore"):
                mixed = seen / total + left * probability
            probability = np.where(total > 0, mixed, probability)
        return probability

    def _favourites(self, text: np.ndarray) -> np.ndarray:
        found = np.zeros(len(text), np.int64)
        for order, context, _ in self._looked_up(text):
            known = (context >= 0) & (order.totals[context] > 0)
            found = np.where(known, order.favourite[context], found)
        return found

    def _of_parts(
        self, judge: Callable[[np.ndarray], np.ndarray], ids: np.ndarray, documents: np.ndarray
    ) -> np.ndarray:
        """The results of `judge` for each token, part by part; a part begins with the context of its first token."""
        text, is_token = self._padded(ids, documents)
        before = self.order - 1
        parts = [judge(text[start - before : start + PART])[before:] for start in range(before, len(text), PART)]
        return np.concatenate(parts)[is_token[before:]]

    def _padded(self, ids: np.ndarray, documents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The text with `order - 1` start ids before each document, and the positions of its own tokens."""
        before = self.order - 1
        text = np.insert(np.asarray(ids, np.int64), np.repeat(documents, before), self.start)
        return text, text != self.start

    def _looked_up(self, text: np.ndarray):
        """For each length from 1: the counts, and the ids of context and gram at each position, -1 if unseen."""
        grams = np.zeros(len(text), np.int64)
        for order in self._orders:
            context = np.concatenate([[0], grams[:-1]])
            code = context * self.vocabulary + text
            place = np.minimum(np.searchsorted(order.codes, code), len(order.codes) - 1)
            grams = np.where((context >= 0) & (order.codes[place] == code), place, -1)
            yield order, context, grams

    def _counted(self, codes: np.ndarray, counts: np.ndarray, contexts: int, discount: float | None) -> _Order:
        context, token = np.divmod(codes, self.vocabulary)
        discounts = _discounts(counts) if discount is None else np.where(counts > 0, discount, 0.0)
        totals = np.bincount(context, counts, minlength=contexts)
        taken = np.bincount(context, discounts, minlength=contexts)
        by_count = np.lexsort((-token, counts, context))  # the last of each context is its most frequent
        favourite = np.zeros(contexts, np.int64)
        favourite[context[by_count]] = token[by_count]
        left = taken / np.maximum(totals, 1)
        return _Order(codes, counts, discounts, totals, left, favourite)


def _discounts(counts: np.ndarray) -> np.ndarray:
    """The discounts of the modified model for counts of 1, of 2, and of 3 and more (Chen & Goodman, equation 26)."""
    n1, n2, n3, n4 = (int(np.count_nonzero(counts == value)) for value in (1, 2, 3, 4))
    if min(n1, n2, n3) == 0:  # there is nothing to estimate from: too little text, or too few tokens
        return np.array(FALLBACK)[np.minimum(counts, 3)]
    y = n1 / (n1 + 2 * n2)
    steps = [0.0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
    return np.clip(np.array(steps), 0.0, [0.0, 1.0, 2.0, 3.0])[np.minimum(counts, 3)]
