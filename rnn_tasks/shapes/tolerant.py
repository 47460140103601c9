"""Heads whose answers are right or wrong within a tolerance, as the experiments on long lags count them.

All have the same scores: `accuracy`, the share of right answers, which decides which epoch is kept; `error`, how far
from the target an answer is in the mean; `loss`, what training minimises.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnn_tasks.shapes.heads import Answers, Numbers, OneOf, Score, cross_entropy

if TYPE_CHECKING:
    import tensorflow as tf

SCORES = ("accuracy", "error", "loss")


@dataclass(frozen=True)
class NumberWithin(Numbers):
    """A number, right if it is nearer than `tolerance` to its target."""

    tolerance: float = 0.04

    score_names: ClassVar[Sequence[str]] = SCORES
    monitor: ClassVar[str] = "accuracy"

    def judge(self, decisions: np.ndarray, targets: np.ndarray) -> Score:
        distance = np.abs(np.asarray(decisions, np.float64) - targets)
        return Score("accuracy", float(np.mean(np.all(distance < self.tolerance, axis=-1))))

    def scores(self, answers: Answers, targets: np.ndarray) -> list[Score]:
        distance = np.abs(np.asarray(answers["values"], np.float64) - targets)
        return [
            self.judge(answers["values"], targets),
            Score("error", float(np.mean(distance)), higher_is_better=False),
            Score("loss", float(np.mean(distance**2)), higher_is_better=False),
        ]


@dataclass(frozen=True)
class ClassWithin(OneOf):
    """One of several classes, right if every output is nearer than `tolerance` to its target, 0 or 1.

    Probabilities add up to 1, so the one of the right class decides. If none is that near to 1, no class is chosen.
    """

    tolerance: float = 0.3

    score_names: ClassVar[Sequence[str]] = SCORES
    monitor: ClassVar[str] = "accuracy"

    @property
    def outputs(self) -> int:
        return len(self.classes) - 1

    def answer(self, outputs: tf.Tensor) -> dict[str, tf.Tensor]:
        return OneOf(self.classes[:-1]).answer(outputs)

    def decided(self, answers: Answers) -> np.ndarray:
        probabilities = answers["probabilities"]
        sure = np.max(probabilities, axis=-1) > 1 - self.tolerance
        return np.where(sure, np.argmax(probabilities, axis=-1), self.outputs)

    def scores(self, answers: Answers, targets: np.ndarray) -> list[Score]:
        right = self.likelihood(answers, targets)
        return [self.judge(self.decided(answers), targets), _error(right), cross_entropy(right)]


@dataclass(frozen=True)
class Recalled(OneOf):
    """A symbol at every step of sequences of `time` steps; those at the last `recalled` steps are judged.

    All steps before them are class 0.
    """

    time: int = 30
    recalled: int = 10

    score_names: ClassVar[Sequence[str]] = SCORES
    monitor: ClassVar[str] = "accuracy"

    def judge(self, decisions: np.ndarray, targets: np.ndarray) -> Score:
        asked = targets != 0
        right = decisions[asked] == targets[asked]
        return Score("accuracy", float(np.mean(right)) if len(right) else 1.0)

    def scores(self, answers: Answers, targets: np.ndarray) -> list[Score]:
        likelihood = self.likelihood(answers, targets)
        asked = likelihood[targets != 0]
        return [self.judge(self.decided(answers), targets), _error(asked), cross_entropy(likelihood)]

    def trivial(self, train_targets: np.ndarray, examples: int) -> Answers:
        """Answers that know which steps are judged, but remember nothing: the shares of the symbols there."""
        asked = train_targets[train_targets != 0]
        shares = np.bincount(asked, minlength=self.outputs) / asked.size
        sequence = np.zeros((self.time, self.outputs))
        sequence[:, 0], sequence[-self.recalled :] = 1.0, shares
        return {"probabilities": np.tile(sequence, (examples // self.time, 1))}


def _error(likelihood: np.ndarray) -> Score:
    """How far the output of the right answer is from 1."""
    return Score("error", float(np.mean(1 - likelihood)), higher_is_better=False)
