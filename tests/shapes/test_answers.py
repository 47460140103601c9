"""Answers as lines, and records as model inputs."""

import numpy as np

from rnn_tasks.shapes.answers import answer_lines, padded_inputs, stacked_inputs


def test_words_come_first_and_vectors_only_where_nothing_else_is_said():
    answers = {"class": np.array([b"a", b"b"], object), "probabilities": np.eye(2), "probability": np.array([0.5, 1])}
    assert list(answer_lines(answers)) == ["a\t0.500000", "b\t1.000000"]
    assert list(answer_lines({"values": np.array([[1, 2.5], [0, -1]])})) == ["1.000000,2.500000", "0.000000,-1.000000"]


def test_steps_stand_side_by_side_up_to_the_length():
    answers = {"values": np.array([[[1.0], [2]], [[3], [9]]]), "lengths": np.array([2, 1])}
    assert list(answer_lines(answers)) == ["1.000000 2.000000", "3.000000"]


def test_records_become_padded_or_stacked_inputs():
    inputs = padded_inputs([np.array([1.0, 2]), np.array([3.0])])
    assert inputs["inputs"].tolist() == [[[1], [2]], [[3], [0]]]
    assert inputs["lengths"].tolist() == [2, 1]
    assert stacked_inputs([np.ones((2, 3)), np.zeros((2, 3))])["inputs"].shape == (2, 2, 3)
