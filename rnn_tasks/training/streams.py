"""A long text as parallel streams, for truncated backpropagation through time."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from rnn_tasks.text.vocabulary import GO, PAD

CARRIED, FRESH, DOCUMENT = 0, 1, 2
"""Start of a row: from the states of the batch before, from zeros, or from zeros at the beginning of a document."""


class StreamBatches:
    """A text cut into `streams` parts of equal length, which are read side by side, `time` tokens in each batch.

    Every token is a target once. The first token of a document, too: it follows `<go>`. A row of a batch ends where a
    document ends; the next document begins in the next batch, and `resets` is True there. A batch is a dict of

    - `inputs`, `targets` (streams, time) int32: the token before and the token; targets are 0 where there is none;
    - `resets` (streams,) bool: whether the row begins from a state of zeros;
    - `starts` (streams,) int64: the position in the text of the row's first token.

    Args:
        ids: (tokens,) int32, none of them 0.
        documents: start positions of the documents, rising; the first is 0.
        streams: rows of a batch.
        time: the largest number of tokens in a row.
        context: tokens that a stream reads, but does not predict, before its part, if the part begins inside a
            document. Then predictions hardly depend on where the text was cut.
    """

    def __init__(self, ids: np.ndarray, documents: np.ndarray, streams: int, time: int, context: int = 0):
        self.ids, self.time, self.streams = ids, time, streams
        self._first_of_document = documents
        bounds = np.linspace(0, len(ids), streams + 1).astype(np.int64)
        rows = [self._row(begin, end, context) for begin, end in itertools.pairwise(bounds)]
        self._length = max(1, *map(len, rows))
        # (batches, streams, 4): position of the first token, of the first target, end, and how the row begins
        self._plan = np.zeros((self._length, streams, 4), np.int64)
        for number, row in enumerate(rows):
            self._plan[: len(row), number] = row
            self._plan[len(row) :, number, 3] = FRESH

    def __len__(self) -> int:
        return self._length

    def epoch(self, number: int = 0) -> Iterator[dict[str, np.ndarray]]:
        """Every token once, in the same order in every epoch."""
        for plan in self._plan:
            first, counted, end, begins = plan.T  # each (streams,)
            positions = first[:, None] + np.arange(self.time)  # (streams, time)
            inside = positions < end[:, None]
            clipped = np.minimum(positions, len(self.ids) - 1)
            before = np.where(inside, self.ids[np.maximum(clipped - 1, 0)], PAD)
            before[begins == DOCUMENT, 0] = GO
            targets = np.where(inside & (positions >= counted[:, None]), self.ids[clipped], PAD)
            yield {
                "inputs": before.astype(np.int32),
                "targets": targets.astype(np.int32),
                "resets": begins != CARRIED,
                "starts": first,
            }

    def _row(self, begin: int, end: int, context: int) -> np.ndarray:
        """The plan (batches, 4) of one stream."""
        documents = self._first_of_document
        inner = documents[np.searchsorted(documents, begin, "right") : np.searchsorted(documents, end)]
        own = int(documents[np.searchsorted(documents, begin, "right") - 1])
        edges = np.concatenate([[max(own, begin - context)], inner, [end]])
        kinds = [DOCUMENT if edges[0] == own else FRESH] + [DOCUMENT] * len(inner)
        pieces = []
        for start, stop, kind in zip(edges[:-1], edges[1:], kinds, strict=True):
            firsts = np.arange(start, stop, self.time)
            ends = np.minimum(firsts + self.time, stop)
            pieces.append(np.stack([firsts, np.full_like(firsts, begin), ends, kind * (firsts == start)], axis=1))
        return np.concatenate(pieces)
