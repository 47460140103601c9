"""An interpolated n-gram model with Kneser-Ney smoothing, counted and asked as arrays.

nltk.lm has the same model with one discount, and counts all continuations anew at every question, which takes hours on
a million symbols; a test holds ours to nltk's probabilities. The three discounts of the modified model, which nltk does
not have, are estimated from the counts of counts.

References:
    Chen & Goodman (1999), An empirical study of smoothing techniques for language modeling, sections 2.7 and 3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

FALLBACK = [0.0, 0.5, 1.0, 1.5]  # off counts of 0, 1, 2, 3 and more; as of KenLM's lmplz --discount_fallback
PART = 1 << 20  # tokens of a text that are judged at once


class _Order(NamedTuple):
    """What was counted of n-grams of one length.

    Attributes:
        codes: (grams,) int64, sorted: the id of the first n - 1 tokens as a gram of the length below, times the
            vocabulary, plus the last token.
        counts: (grams,) how often each was seen; below the longest, how many different tokens stood before it.
        discounts: (grams,) what is taken off each.
        totals: (contexts,) sum of the counts behind each context.
        left: (contexts,) share of the total that was taken off.
        favourite: (contexts,) which token has the highest count.
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
        ids: (tokens,) the training text; none of them `start`.
        documents: where documents begin; no n-gram spans two.
        vocabulary: number of ids.
        possible: how many of them can come next at all, over which what is left at last is spread evenly.
        order: tokens of the longest n-gram.
        discount: one for all, as nltk has it; None estimates three for each length.
        start: the id that stands before a document.
        smooth_unigrams: nltk does not: there a token that was never seen has no probability.
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
        """(tokens,) of each token of a text, in nats; -inf where it is impossible."""
        with np.errstate(divide="ignore"):
            return np.log(self._of_parts(self._probabilities, ids, documents))

    def favourites(self, ids: np.ndarray, documents: np.ndarray) -> np.ndarray:
        """(tokens,) what stood most often behind the longest context of each token that was seen at all."""
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
        """What `judge` finds of each token, part by part: a part begins with what its first token depends on."""
        text, is_token = self._padded(ids, documents)
        before = self.order - 1
        parts = [judge(text[start - before : start + PART])[before:] for start in range(before, len(text), PART)]
        return np.concatenate(parts)[is_token[before:]]

    def _padded(self, ids: np.ndarray, documents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The text with `order - 1` start ids before each document, and where its own tokens stand."""
        before = self.order - 1
        text = np.insert(np.asarray(ids, np.int64), np.repeat(documents, before), self.start)
        return text, text != self.start

    def _looked_up(self, text: np.ndarray):
        """Of each length from 1: what was counted, and at each place the context's and the gram's id, -1 if unseen."""
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
    """What the modified model takes off counts of 1, of 2, and of 3 and more (Chen & Goodman, equation 26)."""
    n1, n2, n3, n4 = (int(np.count_nonzero(counts == value)) for value in (1, 2, 3, 4))
    if min(n1, n2, n3) == 0:  # there is nothing to estimate from: too little text, or too few tokens
        return np.array(FALLBACK)[np.minimum(counts, 3)]
    y = n1 / (n1 + 2 * n2)
    steps = [0.0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
    return np.clip(np.array(steps), 0.0, [0.0, 1.0, 2.0, 3.0])[np.minimum(counts, 3)]
