"""Batches hold every example once, in few shapes, in an order that is a function of the epoch's number."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_tasks.dataset import ExampleBatches, Examples, write_examples

SEQUENCES = st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=40), max_size=60)


def examples(**fields):
    """Written and mapped again."""
    with tempfile.TemporaryDirectory() as directory:
        write_examples(Path(directory) / "split", **fields)
        return Examples(Path(directory) / "split")


def labelled(sequences):
    arrays = (np.array(sequence, np.int32) for sequence in sequences)
    return examples(inputs=arrays, targets=np.arange(len(sequences), dtype=np.int32))


def rows_of(batch):
    """(ids without padding, label) of each row that counts."""
    for ids, length, label, weight in zip(
        batch["inputs"], batch["lengths"], batch["targets"], batch["weights"], strict=True
    ):
        if weight:
            assert not ids[length:].any()
            yield tuple(ids[:length].tolist()), int(label)


@settings(max_examples=100, deadline=None)
@given(SEQUENCES, st.integers(1, 9), st.integers(1, 5))
def test_every_example_once_in_few_shapes(sequences, batch_size, shapes):
    batches = ExampleBatches(labelled(sequences), batch_size, shapes=shapes)
    for epoch in ([*batches.epoch(0)], [batch for _, batch in batches.in_buckets()]):
        assert len(epoch) == len(batches)
        rows = sorted(row for batch in epoch for row in rows_of(batch))
        assert rows == sorted((tuple(sequence), i) for i, sequence in enumerate(sequences))
        assert len({batch["inputs"].shape for batch in epoch}) <= shapes
        assert all(len(batch["inputs"]) == batch_size and (batch["lengths"] > 0).all() for batch in epoch)


def test_epochs_differ_and_repeat():
    rng = np.random.default_rng(0)
    data = labelled([rng.integers(1, 9, rng.integers(1, 30)) for _ in range(200)])

    def order(seed, number):
        return [batch["targets"].tolist() for batch in ExampleBatches(data, 16, seed).epoch(number)]

    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 1)
    assert order(1, 0) != order(2, 0)


def test_in_buckets_says_which_rows_stand_in_a_batch():
    sequences = [[3] * length for length in (1, 20, 2, 33, 5, 6, 20)]
    seen = []
    for rows, batch in ExampleBatches(labelled(sequences), batch_size=2, shapes=3).in_buckets():
        np.testing.assert_array_equal(batch["targets"][: len(rows)], rows)
        assert batch["weights"].sum() == len(rows)
        seen += rows.tolist()
    assert sorted(seen) == list(range(7))


def test_examples_of_one_shape_need_no_lengths():
    pictures = np.arange(5 * 2 * 3, dtype=np.uint8).reshape(5, 2, 3)
    data = examples(inputs=pictures, targets=np.arange(5), records=[f"file {i}" for i in range(5)])
    batches = [batch for _, batch in ExampleBatches(data, batch_size=3).in_buckets()]
    assert set(batches[0]) == {"inputs", "targets", "weights"}
    np.testing.assert_array_equal(np.concatenate([batch["inputs"] for batch in batches])[:5], pictures)
    assert batches[1]["weights"].tolist() == [1, 1, 0]


def test_fields_are_read_as_they_were_written():
    data = examples(
        inputs=iter([np.array([[0.5, 1]]), np.array([[2.0, 3], [4, 5]])]),
        targets=np.array([1.5, 2.5]),
        records=["ä b", ""],
    )
    assert data["inputs"][1].tolist() == [[2, 3], [4, 5]]
    assert data["inputs"][1].dtype == data["targets"].dtype == np.float32
    assert data["records"] == ["ä b", ""]
    assert len(data) == 2


def test_no_examples_are_a_split_as_well():
    assert len(examples(inputs=iter([]), targets=np.zeros(0, np.int32))) == 0


def test_unequal_fields_and_line_ends_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"unequal lengths: \{'inputs': 2, 'targets': 3\}"):
        write_examples(tmp_path / "a", inputs=np.zeros(2), targets=np.zeros(3))
    with pytest.raises(ValueError, match=r"a string of b\.records holds a line end"):
        write_examples(tmp_path / "b", records=["one", "two\nthree"])
    with pytest.raises(FileNotFoundError, match="no fields"):
        Examples(tmp_path / "nothing")
