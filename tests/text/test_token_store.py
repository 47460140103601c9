import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from rnn_tasks.text.token_store import TokenStore, TokenStoreWriter

SEQUENCES = st.lists(st.lists(st.integers(4, 2**31 - 1), max_size=9), max_size=12)


@given(sequences=SEQUENCES, at_once=st.integers(1, 5))
def test_what_was_written_is_read(tmp_path_factory, sequences, at_once):
    prefix = tmp_path_factory.mktemp("store") / "train.source"
    with TokenStoreWriter(prefix) as writer:
        for start in range(0, len(sequences), at_once):
            part = sequences[start : start + at_once]
            writer.extend(np.array([i for ids in part for i in ids], np.int32), np.array([len(ids) for ids in part]))
    store = TokenStore(prefix)
    assert [ids.tolist() for ids in store] == sequences
    assert [ids.tolist() for ids in store[::-1]] == sequences[::-1]
    assert store.lengths.tolist() == [len(ids) for ids in sequences]


def test_files_are_flat_little_endian_arrays(tmp_path):
    with TokenStoreWriter(tmp_path / "val.target") as writer:
        writer.append([7, 8])
        writer.append([])
        writer.append([9])
    assert np.fromfile(tmp_path / "val.target.ids", "<i4").tolist() == [7, 8, 9]
    assert np.fromfile(tmp_path / "val.target.offsets", "<i8").tolist() == [0, 2, 2, 3]


def test_padding_stands_at_the_end_in_both_directions(tmp_path):
    with TokenStoreWriter(tmp_path / "a") as writer:
        for ids in ([4, 5, 6], [], [7]):
            writer.append(ids)
    store = TokenStore(tmp_path / "a")
    rows = np.array([2, 0, 1])
    assert store.padded(rows, 4).tolist() == [[7, 0, 0, 0], [4, 5, 6, 0], [0, 0, 0, 0]]
    assert store.padded(rows, 4, reverse=True).tolist() == [[7, 0, 0, 0], [6, 5, 4, 0], [0, 0, 0, 0]]


def test_index_out_of_range(tmp_path):
    with TokenStoreWriter(tmp_path / "a") as writer:
        writer.append([4])
    store = TokenStore(tmp_path / "a")
    assert store[-1].tolist() == [4]
    with pytest.raises(IndexError, match="sequence 1 of 1"):
        store[1]


def test_lengths_must_add_up(tmp_path):
    with (
        TokenStoreWriter(tmp_path / "a") as writer,
        pytest.raises(ValueError, match="lengths add up to 3, but there are 2 ids"),
    ):
        writer.extend(np.array([4, 5]), np.array([3]))
