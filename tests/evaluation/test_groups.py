"""Scores within groups are the scores of each group's examples."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rnn_tasks import evaluation


def test_scores_are_those_of_each_groups_examples():
    values = np.array([1.0, 2, 3, 6])
    rows = evaluation.score_by_group(["b", "a", "b", "b"], lambda rows: [values[rows].mean(), values[rows].max()])
    assert rows == [("a", 1, 2.0, 2.0), ("b", 3, 10 / 3, 6.0)]


@given(st.lists(st.integers(0, 60), min_size=1, max_size=30))
def test_every_length_falls_into_one_range_and_ranges_stand_in_order(lengths):
    ranges = evaluation.length_ranges(lengths)
    assert all(low <= n and (n <= high or not high) for n, (low, high) in zip(lengths, ranges, strict=True))
    rows = evaluation.score_by_group(ranges, lambda rows: [float(len(rows))])
    assert sum(row[1] for row in rows) == len(lengths)
    assert [row[0].shortest for row in rows] == sorted(row[0].shortest for row in rows)


def test_ranges_say_what_they_hold():
    assert [str(one) for one in evaluation.length_ranges([0, 6, 41, 7], edges=(5, 6, 40))] == [
        "0–5",
        "6",
        "41+",
        "7–40",
    ]
