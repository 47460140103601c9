"""Batches hold every sequence once, in few shapes, in an order that is a function of the epoch's number."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_tasks import text

SEQUENCES = st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=40), max_size=60)


def labelled(sequences, labels):
    """Written and mapped again."""
    with tempfile.TemporaryDirectory() as directory:
        text.LabelledSequences.write(Path(directory) / "split", sequences, labels)
        return text.LabelledSequences.open(Path(directory) / "split")


def rows_of(batch):
    """(ids without padding, label) of each row that counts."""
    for ids, label, weight in zip(batch["ids"], batch["labels"], batch["weights"], strict=True):
        if weight:
            length = np.count_nonzero(ids)
            assert not ids[length:].any()
            yield tuple(ids[:length].tolist()), int(label)


@settings(max_examples=100, deadline=None)
@given(SEQUENCES, st.integers(1, 9), st.integers(1, 5))
def test_every_sequence_once_in_few_shapes(sequences, batch_size, shapes):
    labels = list(range(len(sequences)))
    batches = text.SequenceBatches(labelled(sequences, labels), batch_size, shapes=shapes)
    for epoch in ([*batches.epoch(0)], [batch for _, batch in batches.in_buckets()]):
        assert len(epoch) == len(batches)
        assert sorted(row for batch in epoch for row in rows_of(batch)) == sorted(
            zip(map(tuple, sequences), labels, strict=True)
        )
        assert len({batch["ids"].shape for batch in epoch}) <= shapes
        assert all(batch["ids"].shape[0] == batch_size and batch["ids"].any(axis=1).all() for batch in epoch)


def test_epochs_differ_and_repeat():
    rng = np.random.default_rng(0)
    data = labelled([rng.integers(1, 9, rng.integers(1, 30)) for _ in range(200)], range(200))

    def order(seed, number):
        return [batch["labels"].tolist() for batch in text.SequenceBatches(data, 16, seed).epoch(number)]

    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 1)
    assert order(1, 0) != order(2, 0)


def test_in_buckets_says_which_rows_stand_in_a_batch():
    sequences = [[3] * length for length in (1, 20, 2, 33, 5, 6, 20)]
    batches = text.SequenceBatches(labelled(sequences, range(7)), batch_size=2, shapes=3)
    seen = []
    for rows, batch in batches.in_buckets():
        np.testing.assert_array_equal(batch["labels"][: len(rows)], rows)
        assert batch["weights"].sum() == len(rows)
        seen += rows.tolist()
    assert sorted(seen) == list(range(7))


@pytest.mark.parametrize("sequences", [[], [[5]], [[4, 5], [6], [7, 8, 9]]])
def test_written_and_opened_are_equal(sequences):
    data = labelled(sequences, range(len(sequences)))
    assert [sequence.tolist() for sequence in data.tokens] == sequences
    assert data.labels.tolist() == list(range(len(sequences)))
    assert len(data) == len(sequences)
