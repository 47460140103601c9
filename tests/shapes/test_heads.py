"""Heads against closed forms: losses, answers, scores and baselines."""

import numpy as np
import pytest
import tensorflow as tf

from rnn_tasks.shapes import Numbers, OneOf, YesOrNo


def test_yes_or_no():
    head = YesOrNo(("out", "in"))
    outputs = np.log([[3.0], [1.0], [1 / 3]]).astype(np.float32)  # probabilities 3/4, 1/2, 1/4
    answers = {name: value.numpy() for name, value in head.answer(tf.constant(outputs)).items()}
    np.testing.assert_allclose(answers["probability"], [0.75, 0.5, 0.25], rtol=1e-6)
    assert head.decided(answers).tolist() == [1, 0, 0]
    targets = np.array([1, 0, 1])
    loss = head.loss(tf.constant(outputs), tf.constant(targets), tf.constant([1.0, 0.5, 2.0]))
    assert float(loss.total) == pytest.approx(-np.log(0.75) - 0.5 * np.log(0.5) - 2 * np.log(0.25), rel=1e-5)
    assert float(loss.weight) == 3.5
    accuracy, cross_entropy = head.scores(answers, targets)
    assert accuracy == ("accuracy", pytest.approx(2 / 3), "", True)
    assert cross_entropy == ("loss", pytest.approx(-np.log(0.75 * 0.5 * 0.25) / 3), "nats", False)
    assert head.trivial(np.array([1, 1, 0, 1]), 2)["probability"].tolist() == [0.75, 0.75]


def test_one_of_several_at_every_step():
    head = OneOf(("a", "b", "c"))
    shares = np.array([[[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]]])
    answers = head.answer(tf.constant(np.log(shares), tf.float32))
    assert answers["class"].numpy().tolist() == [[b"b", b"a"]]
    np.testing.assert_allclose(answers["probability"], [[0.5, 0.6]], rtol=1e-6)
    flat = {"probabilities": shares.reshape(2, 3)}
    targets = np.array([1, 2])
    loss = head.loss(tf.constant(np.log(shares)), tf.constant(targets[None]), tf.constant([[1.0, 0.0]]))
    assert float(loss.total) == pytest.approx(-np.log(0.5), rel=1e-5)
    assert [score.value for score in head.scores(flat, targets)] == [0.5, pytest.approx(-np.log(0.5 * 0.3) / 2)]
    trivial = head.trivial(np.array([0, 2, 2, 2]), 2)
    assert trivial["probabilities"].tolist() == [[0.25, 0, 0.75]] * 2
    assert head.decided(trivial).tolist() == [2, 2]


def test_numbers():
    head = Numbers(2, unit="m")
    outputs, targets = np.array([[1.0, 2], [3, 4]]), np.array([[1.0, 0], [0, 4]])
    loss = head.loss(tf.constant(outputs), tf.constant(targets), tf.constant([1.0, 1.0]))
    assert (float(loss.total), float(loss.weight)) == (4 / 2 + 9 / 2, 2)
    mae, rmse, squared = head.scores({"values": outputs}, targets)
    assert mae == ("mae", (2 + 3) / 4, "m", False)
    assert rmse.value == pytest.approx(((4 + 9) / 4) ** 0.5)
    assert squared.value == (4 + 9) / 4
    assert head.trivial(targets, 3)["values"].tolist() == [[0.5, 2]] * 3


@pytest.mark.parametrize("head", [YesOrNo(), OneOf(("a", "b")), Numbers()])
def test_score_names_are_those_of_the_scores(head):
    outputs = tf.zeros((4, head.outputs))
    answers = {name: value.numpy() for name, value in head.answer(outputs).items()}
    targets = np.zeros((4, 1) if isinstance(head, Numbers) else 4, int)
    assert [score.name for score in head.scores(answers, targets)] == list(head.score_names)
