import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from rnn_tasks.text import duplicates
from rnn_tasks.text.duplicates import leaking, repeated

HASHES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=40)


@pytest.fixture(params=[3, 7, 1000])
def _part_size(request, monkeypatch):
    monkeypatch.setattr(duplicates, "_PAIRS_AT_ONCE", request.param)


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    return tmp_path_factory.mktemp("hashes")


def write(path, hashes):
    # Spread over all 64 bits, as real hashes are.
    spread = np.array(hashes, np.uint64).reshape(-1, 2) * np.uint64(0x9E3779B97F4A7C15)
    spread.astype("<u8").tofile(path)
    return path


@pytest.mark.usefixtures("_part_size")
def test_small_parts_find_the_same(directory):
    random = np.random.default_rng(0)
    training, other = random.integers(0, 40, (100, 2)).tolist(), random.integers(0, 40, (9, 2)).tolist()
    path, other_path = write(directory / "train", training), write(directory / "test", other)
    assert repeated(path).tolist() == [pair[1] in [p[1] for p in training[:i]] for i, pair in enumerate(training)]
    assert leaking(path, [other_path]).tolist() == [pair[0] in [p[0] for p in other] for pair in training]


@given(training=HASHES, others=st.lists(HASHES, max_size=2))
def test_what_leaks_and_repeats(directory, training, others):
    path = write(directory / "train", training)
    paths = [write(directory / f"other{i}", other) for i, other in enumerate(others)]
    held_out = {source for other in others for source, _ in other}
    assert leaking(path, paths).tolist() == [source in held_out for source, _ in training]
    seen = [pair for _, pair in training]
    assert repeated(path).tolist() == [pair in seen[:i] for i, pair in enumerate(seen)]
