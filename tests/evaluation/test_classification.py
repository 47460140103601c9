import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_tasks import evaluation


def test_accuracy_is_the_share_of_right_ones():
    assert evaluation.accuracy([0, 1, 1, 0], [0, 1, 0, 0]) == 0.75
    assert evaluation.accuracy([2, 0, 1], [2, 1, 0]) == pytest.approx(1 / 3)


def test_majority_comes_from_training_and_is_scored_on_test():
    assert evaluation.majority_accuracy([2, 2, 0, 1], [2, 0, 0, 0]) == 0.25
    assert evaluation.majority_accuracy([0, 1], [0, 0, 1]) == pytest.approx(2 / 3)  # a tie: the lower class


def test_confusion_matrix_by_hand():
    matrix = evaluation.confusion_matrix([0, 0, 1, 2, 2, 2], [0, 1, 1, 2, 0, 2], classes=3)
    assert matrix.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 2]]


def test_confusion_table_has_recall_and_precision():
    matrix = np.array([[3, 1, 0], [0, 0, 0], [1, 0, 0]])
    assert evaluation.confusion_table(matrix, ["no", "maybe", "yes"]) == [
        ["true class", "no", "maybe", "yes", "recall"],
        ["no", "3", "1", "0", "0.7500"],
        ["maybe", "0", "0", "0", ""],
        ["yes", "1", "0", "0", "0.0000"],
        ["precision", "0.7500", "0.0000", "", ""],
    ]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=50))
def test_trace_over_total_is_accuracy(examples):
    labels, predictions = np.array(examples).T
    matrix = evaluation.confusion_matrix(labels, predictions, classes=5)
    assert matrix.sum() == len(examples)
    assert matrix.trace() / matrix.sum() == pytest.approx(evaluation.accuracy(labels, predictions))
    assert matrix.sum(axis=1).tolist() == np.bincount(labels, minlength=5).tolist()


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match="no examples"):
        evaluation.accuracy([], [])
    with pytest.raises(ValueError, match=r"shape \(2,\) and predictions of shape \(2, 1\)"):
        evaluation.accuracy([0, 1], [[0], [1]])
    with pytest.raises(ValueError, match="classes 0 to 2 found, 0 to 1 expected"):
        evaluation.confusion_matrix([0, 2], [0, 1], classes=2)
