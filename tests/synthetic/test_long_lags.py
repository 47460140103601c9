"""Long lags: each problem is what its paper says, at any length."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_tasks.synthetic.long_lags import Problem, labelled_sequences

NAMES = ("adding", "temporal_order_6a", "temporal_order_6b", "copy", "parity")


def drawn(problem, count=4_000, seed=5):
    return problem.draw(count, np.random.default_rng(seed))


def strings(problem, **options):
    return list(problem.written(drawn(problem, **options)))


def test_one_sequence_of_each_as_it_was_drawn_first():
    """Golden: who changes these changes what every seed means."""
    lines = {name: next(iter(labelled_sequences(Problem(name, 10), 1, seed=1))) for name in NAMES}
    assert lines == GOLDEN


GOLDEN = {
    "adding": "-0.711681 -1 0.897299 0 -0.376337 1 -0.153347 0 0.655405 1 -0.181602 0 0.0991874 0 -0.944882 0 "
    "0.507026 0 0.0762866 -1\t0.569767",
    "temporal_order_6a": "EdYabdXbdB\tS",
    "temporal_order_6b": "EaXdXbdYbB\tR",
    "copy": "deghabghbc_________:__________\t____________________deghabghbc",
    "parity": "1 -1 1 0 1 1 0 0 0 1 1 0 1 0 0 0 0 0 1 -1\todd",
}


def test_adding_is_experiment_4():
    data = drawn(Problem("adding", 100))
    values, markers, lengths = data["inputs"][..., 0], data["inputs"][..., 1], data["lengths"]
    rows = np.arange(len(lengths))
    assert set(np.unique(lengths)) == set(range(100, 111))
    assert (np.abs(values) <= 1).all()
    assert (markers[:, 0] == -1).all()
    assert (markers[rows, lengths - 1] == -1).all()
    inside = np.arange(110) < lengths[:, None]
    assert not data["inputs"][~inside].any()
    marked = [np.flatnonzero(row == 1) for row in markers]
    # The first ten pairs and the first fifty: where one of the two fell on the very first pair, one is left.
    assert {len(places) for places in marked} == {1, 2}
    assert max(places[0] for places in marked if len(places) == 2) == 9
    assert max(places[-1] for places in marked) == 49
    assert {int(place) for places in marked for place in places} == set(range(1, 50))
    expected = [0.5 + row[places].sum() / 4 for row, places in zip(values, marked, strict=True)]
    np.testing.assert_allclose(data["targets"][:, 0], expected, atol=1e-6)
    alone = np.array([len(places) == 1 for places in marked])
    assert (values[alone, 0] == 0).all()
    # 1 of 10 first marks, 1 of 50 second marks that the first one left over: 0.1 + 0.9 / 49.
    assert alone.mean() == pytest.approx(0.1 + 0.9 / 49, abs=0.02)
    np.testing.assert_array_equal(data["lags"], lengths - 1 - [places[-1] for places in marked])
    assert data["lags"].min() >= 50


@pytest.mark.parametrize(
    ("name", "places", "classes"),
    [
        ("temporal_order_6a", [(10, 20), (50, 60)], "QRSU"),
        ("temporal_order_6b", [(10, 20), (33, 43), (66, 76)], "QRSUVABC"),
    ],
)
def test_temporal_order_is_experiment_6(name, places, classes):
    problem = Problem(name, 100)
    data = drawn(problem)
    lines = list(problem.written(data))
    rules = dict(zip(map("".join, itertools.product("XY", repeat=len(places))), classes, strict=True))
    met = [[] for _ in places]
    for line, target in zip(lines, data["targets"], strict=True):
        assert line[0] == "E"
        assert line[-1] == "B"
        relevant = [i for i, symbol in enumerate(line) if symbol in "XY"]
        assert len(relevant) == len(places)
        assert set(line[1:-1]) <= set("abcdXY")
        assert problem.classes[target] == rules["".join(line[i] for i in relevant)]
        for seen, place in zip(met, relevant, strict=True):
            seen.append(place)
    assert [(min(seen), max(seen)) for seen in met] == places
    assert {len(line) for line in lines} == set(range(100, 111))
    assert np.bincount(data["targets"]) == pytest.approx(4_000 / len(classes), rel=0.15)
    np.testing.assert_array_equal(data["lags"], data["lengths"] - 1 - met[-1])


@pytest.mark.parametrize(
    ("name", "last", "first"), [("adding", 50, 90), ("temporal_order_6a", 39, 79), ("temporal_order_6b", 23, 79)]
)
def test_how_far_before_the_end_what_counts_stands(name, last, first):
    """The least distances of docs/memory.md."""
    data = drawn(Problem(name, 100))
    ids, ends = data["inputs"], data["lengths"] - 1
    counts = ids[..., 1] == 1 if name == "adding" else (ids == 8) | (ids == 9)  # X and Y
    two = counts.sum(axis=1) > 1  # of adding, one may stand at the very first pair, unmarked
    assert (ends - counts.argmax(axis=1))[two].min() == first
    assert data["lags"].min() == last


def test_copy_is_arjovskys():
    problem = Problem("copy", 100)
    for line, target in zip(strings(problem, count=50), drawn(problem, count=50)["targets"], strict=True):
        assert len(line) == 120
        assert set(line[:10]) <= set("abcdefgh")
        assert line[10:] == "_" * 99 + ":" + "_" * 10
        assert problem.answer(target) == "_" * 110 + line[:10]


@pytest.mark.parametrize("marked", [1, 2, 5])
def test_parity_counts_the_marked_bits(marked):
    data = drawn(Problem("parity", 30, marked), count=500)
    bits, markers = data["inputs"][..., 0], data["inputs"][..., 1]
    places = [np.flatnonzero(row == 1) for row in markers]
    assert {len(found) for found in places} == {marked}
    assert {int(place) for found in places for place in found} == set(range(1, 15))
    assert set(np.unique(bits)) == {0, 1}
    odd = [row[found].sum() % 2 for row, found in zip(bits, places, strict=True)]
    np.testing.assert_array_equal(data["targets"], odd)


@given(st.sampled_from(NAMES), st.integers(10, 60), st.integers(1, 4), st.integers(0, 2**31 - 1))
def test_every_problem_at_any_length(name, length, marked, seed):
    problem = Problem(name, length, marked)
    data = drawn(problem, count=5, seed=seed)
    again = drawn(problem, count=5, seed=seed)
    assert all(np.array_equal(data[field], again[field]) for field in data)
    assert data["inputs"].shape[:2] == (5, problem.longest)
    assert data["inputs"].dtype == (np.int32 if problem.symbols else np.float32)
    assert (data["lengths"] >= length).all()
    assert (data["lags"] < data["lengths"]).all()
    assert (data["lags"] >= (length // 5 if name == "temporal_order_6b" else length // 2 - length // 10 - 1)).all()
    for line, size in zip(problem.written(data), data["lengths"], strict=True):
        assert len(line if problem.symbols else line.split()[::2]) == size


def test_what_counts_of_a_long_row_in_one_line():
    rng = np.random.default_rng(1)
    assert [*Problem("adding", 10).shortened(Problem("adding", 10).draw(1, rng))] == ["-0.3763 at 2, 0.6554 at 4 of 10"]
