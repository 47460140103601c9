"""Heads whose answers are right within a tolerance: closed forms."""

import numpy as np
import pytest

from rnn_tasks.shapes import ClassWithin, NumberWithin, Recalled


def values(head, answers, targets):
    return {score.name: score.value for score in head.scores(answers, targets)}


def test_a_number_is_right_within_0_04():
    head = NumberWithin()
    targets = np.array([[0.5], [0.5], [0.5], [0.5]])
    found = values(head, {"values": np.array([[0.5], [0.539], [0.461], [0.541]])}, targets)
    assert found == pytest.approx({"accuracy": 0.75, "error": 0.119 / 4, "loss": (2 * 0.039**2 + 0.041**2) / 4})


def test_the_best_constant_sum_of_two_uniforms():
    """0.5 ± (X1 + X2) / 4: the mean square of the distance is (1/3 + 1/3) / 16, the mean distance (2/3) / 4."""
    sums = np.random.default_rng(3).uniform(-1, 1, (400_000, 2)).sum(axis=1)
    targets = 0.5 + sums[:, None] / 4
    found = values(NumberWithin(), NumberWithin().trivial(targets, len(targets)), targets)
    # The triangular density of X1 + X2 is 1/2 - |s| / 4, and 0.04 is 0.16 in s.
    expected = {"accuracy": 0.16 - 0.16**2 / 4, "error": 1 / 6, "loss": 1 / 24}
    assert found == pytest.approx(expected, rel=0.01)


def test_a_class_is_right_where_every_output_is_within_0_3_of_its_target():
    head = ClassWithin(("Q", "R", "undecided"))
    assert head.outputs == 2
    probabilities = np.array([[0.71, 0.29], [0.69, 0.31], [0.2, 0.8], [0.2, 0.8]])
    answers, targets = {"probabilities": probabilities}, np.array([0, 0, 1, 0])
    assert head.decided(answers).tolist() == [0, 2, 1, 1]
    found = values(head, answers, targets)
    assert found["accuracy"] == 0.5
    assert found["error"] == pytest.approx((0.29 + 0.31 + 0.2 + 0.8) / 4)
    assert found["loss"] == pytest.approx(-np.log([0.71, 0.69, 0.8, 0.2]).mean())
    outputs = np.abs(probabilities - np.eye(2)[targets]).max(axis=1)
    assert found["accuracy"] == (outputs < 0.3).mean()
    assert values(head, head.trivial(np.array([0, 1]), 4), targets)["accuracy"] == 0.0


def test_what_is_recalled_is_judged_and_the_blanks_before_are_not():
    head = Recalled(("_", "a", "b"), time=4, recalled=2)
    targets = np.array([0, 0, 1, 2, 0, 0, 2, 2])
    right = np.eye(3)[targets]
    assert values(head, {"probabilities": right}, targets)["accuracy"] == 1.0
    wrong = np.eye(3)[[1, 1, 1, 1, 1, 1, 1, 1]]
    assert values(head, {"probabilities": wrong}, targets) == pytest.approx(
        {"accuracy": 0.25, "error": 0.75, "loss": 7 / 8 * -np.log(1e-7)}
    )


def test_without_a_memory_copying_costs_ten_logarithms_of_eight_a_sequence():
    """Arjovsky et al. 2016, section 4.1: 10 ln 8 / (T + 20)."""
    time, rng = 50, np.random.default_rng(1)
    targets = np.zeros((3_000, time), np.int32)
    targets[:, -10:] = rng.integers(1, 9, (3_000, 10))
    head = Recalled(tuple("_abcdefgh"), time=time)
    found = values(head, head.trivial(targets.ravel(), targets.size), targets.ravel())
    assert found["loss"] == pytest.approx(10 * np.log(8) / time, rel=1e-3)
    assert found["accuracy"] == pytest.approx(1 / 8, abs=0.01)
    assert found["error"] == pytest.approx(7 / 8, abs=1e-3)
