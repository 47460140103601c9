"""Ragged arrays: what was written is read, padded at the end in both directions."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from rnn_tasks.dataset import RaggedArray, RaggedWriter

SEQUENCES = st.lists(st.lists(st.integers(4, 2**31 - 1), max_size=9), max_size=12)


@given(sequences=SEQUENCES, at_once=st.integers(1, 5))
def test_what_was_written_is_read(tmp_path_factory, sequences, at_once):
    prefix = tmp_path_factory.mktemp("store") / "train.source"
    with RaggedWriter(prefix) as writer:
        for start in range(0, len(sequences), at_once):
            part = sequences[start : start + at_once]
            writer.extend(np.array([i for ids in part for i in ids], np.int32), np.array([len(ids) for ids in part]))
    array = RaggedArray(prefix)
    assert [ids.tolist() for ids in array] == sequences
    assert [ids.tolist() for ids in array[::-1]] == sequences[::-1]
    assert array.lengths.tolist() == [len(ids) for ids in sequences]


def test_files_are_flat_little_endian_arrays(tmp_path):
    with RaggedWriter(tmp_path / "val.target") as writer:
        writer.append([7, 8])
        writer.append([])
        writer.append([9])
    assert np.fromfile(tmp_path / "val.target.values", "<i4").tolist() == [7, 8, 9]
    assert np.fromfile(tmp_path / "val.target.offsets", "<i8").tolist() == [0, 2, 2, 3]


def test_padding_stands_at_the_end_in_both_directions(tmp_path):
    with RaggedWriter(tmp_path / "a") as writer:
        for ids in ([4, 5, 6], [], [7]):
            writer.append(ids)
    array = RaggedArray(tmp_path / "a")
    rows = np.array([2, 0, 1])
    assert array.padded(rows, 4).tolist() == [[7, 0, 0, 0], [4, 5, 6, 0], [0, 0, 0, 0]]
    assert array.padded(rows, 4, reverse=True).tolist() == [[7, 0, 0, 0], [6, 5, 4, 0], [0, 0, 0, 0]]


def test_items_may_be_vectors_of_any_type(tmp_path):
    with RaggedWriter(tmp_path / "a", np.float32, (2,)) as writer:
        writer.append([[0.5, 1.5]])
        writer.append(np.zeros((0, 2)))
        writer.append([[2, 3], [4, 5]])
    array = RaggedArray(tmp_path / "a")
    assert array[0].dtype == np.float32
    assert array[2].tolist() == [[2, 3], [4, 5]]
    assert array.padded(np.array([0, 2]), 3).tolist() == [[[0.5, 1.5], [0, 0], [0, 0]], [[2, 3], [4, 5], [0, 0]]]


def test_index_out_of_range(tmp_path):
    with RaggedWriter(tmp_path / "a") as writer:
        writer.append([4])
    array = RaggedArray(tmp_path / "a")
    assert array[-1].tolist() == [4]
    with pytest.raises(IndexError, match="sequence 1 of 1"):
        array[1]


def test_lengths_and_item_shapes_must_fit(tmp_path):
    with RaggedWriter(tmp_path / "a") as writer:
        with pytest.raises(ValueError, match="lengths add up to 3, but there are 2 steps"):
            writer.extend(np.array([4, 5]), np.array([3]))
        with pytest.raises(ValueError, match=r"items of shape \(2,\), \(\) expected"):
            writer.append([[4, 5]])
