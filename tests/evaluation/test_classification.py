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


def test_per_class_table_by_hand():
    """Class a: 2 of 3 found, 2 of 2 right; b: 1 of 1, 1 of 2; c never occurs, d is never predicted."""
    header, *rows = evaluation.per_class_table([0, 0, 0, 1, 3], [0, 0, 1, 1, 2], ["a", "b", "c", "d"])
    assert header == ["class", "examples", "precision", "recall", "f1"]
    assert rows[0] == ["a", 3, 1.0, pytest.approx(2 / 3), pytest.approx(0.8)]
    assert rows[1] == ["b", 1, 0.5, 1.0, pytest.approx(2 / 3)]
    assert rows[2][:4] == ["c", 0, 0.0, ""]
    assert rows[3][:4] == ["d", 1, "", 0.0]


def test_logistic_regression_separates_what_a_line_separates_and_no_more():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(400, 2, 2)) * 255
    line = (features[:, 0, 0] + features[:, 1, 1] > 0).astype(int)
    decided = evaluation.logistic_regression(features[:300], line[:300], features[300:])
    assert np.mean(decided == line[300:]) > 0.95
    corners = (features[:, 0, 0] * features[:, 1, 1] > 0).astype(int)
    decided = evaluation.logistic_regression(features[:300], corners[:300], features[300:])
    assert np.mean(decided == corners[300:]) < 0.7


def test_logistic_regression_says_when_it_stopped_before_its_optimum(caplog, monkeypatch):
    features, labels = np.random.default_rng(0).normal(size=(200, 9)), np.arange(200) % 2
    evaluation.logistic_regression(features, labels, features)
    assert caplog.messages == []
    monkeypatch.setattr("rnn_tasks.evaluation.classification.LOGISTIC_STEPS", 1)
    evaluation.logistic_regression(features, labels, features)
    assert caplog.messages == ["logistic regression, a baseline: stopped after 1 steps, not at its optimum"]
