"""What a model's outputs mean: yes or no, one of several classes, or numbers.

A head says how many outputs an answer has, which loss trains them, what is answered, and how answers are judged. It
serves one answer a sequence as well as one a step: arrays begin with any number of leading axes, written `…`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol

import numpy as np

from rnn_tasks import evaluation, training

if TYPE_CHECKING:
    import tensorflow as tf

Answers = Mapping[str, np.ndarray]


class Score(NamedTuple):
    """One way to judge answers. `name` without the split: "accuracy", "loss", …"""

    name: str
    value: float
    unit: str = ""
    higher_is_better: bool = True


class Head(Protocol):
    """What a shape asks of a head."""

    @property
    def outputs(self) -> int:
        """Outputs of the model an answer."""
        ...

    @property
    def classes(self) -> Sequence[str]:
        """Names of the classes; empty where answers are no classes."""
        ...

    def loss(self, outputs: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor) -> training.StepLoss:
        """Outputs (…, outputs), targets and weights (…) -> what training minimises."""
        ...

    def answer(self, outputs: tf.Tensor) -> dict[str, tf.Tensor]:
        """Outputs (…, outputs) -> what users get, by name; `predict` prints the first entry first."""
        ...

    def decided(self, answers: Answers) -> np.ndarray:
        """Answers (examples, …) -> the decisions that are compared with targets, (examples, …)."""
        ...

    def judge(self, decisions: np.ndarray, targets: np.ndarray) -> Score:
        """How good decisions (examples, …) are, no matter which method made them."""
        ...

    def scores(self, answers: Answers, targets: np.ndarray) -> list[Score]:
        """How good answers (examples, …) are: what `judge` says of their decisions, and further scores."""
        ...

    @property
    def score_names(self) -> Sequence[str]:
        """The names of `scores`."""
        ...

    @property
    def monitor(self) -> str:
        """The validation score that decides which epoch is kept: "loss", or a score that is better when higher."""
        ...

    def trivial(self, train_targets: np.ndarray, examples: int) -> Answers:
        """The answers of a method that has only counted the training targets: the baseline."""
        ...

    def shown(self, decision: np.ndarray) -> str:
        """A decision, or a target, as people read it."""
        ...

    def likelihood(self, answers: Answers, targets: np.ndarray) -> np.ndarray:
        """(examples,) how probable each answer makes its target; a report's samples are sorted by it."""
        ...


@dataclass(frozen=True)
class YesOrNo:
    """One probability. Targets are 0 or 1.

    Attributes:
        classes: the names of 0 and of 1.
    """

    classes: Sequence[str] = ("no", "yes")

    outputs: ClassVar[int] = 1
    score_names: ClassVar[Sequence[str]] = ("accuracy", "loss")
    monitor: ClassVar[str] = "loss"

    def loss(self, outputs: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor) -> training.StepLoss:
        return training.binary_cross_entropy(outputs[..., 0], targets, weights)

    def answer(self, outputs: tf.Tensor) -> dict[str, tf.Tensor]:
        import tensorflow as tf

        return {"probability": tf.sigmoid(tf.cast(outputs[..., 0], tf.float32))}

    def decided(self, answers: Answers) -> np.ndarray:
        return (answers["probability"] > 0.5).astype(np.int32)

    def judge(self, decisions: np.ndarray, targets: np.ndarray) -> Score:
        return _accuracy(decisions, targets)

    def scores(self, answers: Answers, targets: np.ndarray) -> list[Score]:
        return [_accuracy(self.decided(answers), targets), cross_entropy(self.likelihood(answers, targets))]

    def trivial(self, train_targets: np.ndarray, examples: int) -> Answers:
        return {"probability": np.full(examples, np.mean(train_targets))}

    def shown(self, decision: np.ndarray) -> str:
        return self.classes[int(decision)]

    def likelihood(self, answers: Answers, targets: np.ndarray) -> np.ndarray:
        return np.where(targets == 1, answers["probability"], 1 - answers["probability"])


@dataclass(frozen=True)
class OneOf:
    """One of several classes. Targets are 0 … classes - 1.

    Attributes:
        classes: their names.
    """

    classes: Sequence[str]

    score_names: ClassVar[Sequence[str]] = ("accuracy", "loss")
    monitor: ClassVar[str] = "loss"

    @property
    def outputs(self) -> int:
        return len(self.classes)

    def loss(self, outputs: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor) -> training.StepLoss:
        return training.categorical_cross_entropy(outputs, targets, weights)

    def answer(self, outputs: tf.Tensor) -> dict[str, tf.Tensor]:
        import tensorflow as tf

        probabilities = tf.nn.softmax(tf.cast(outputs, tf.float32))
        return {
            "class": tf.gather(tf.constant(list(self.classes)), tf.argmax(probabilities, axis=-1)),
            "probability": tf.reduce_max(probabilities, axis=-1),
            "probabilities": probabilities,
        }

    def decided(self, answers: Answers) -> np.ndarray:
        return np.argmax(answers["probabilities"], axis=-1)

    def judge(self, decisions: np.ndarray, targets: np.ndarray) -> Score:
        return _accuracy(decisions, targets)

    def scores(self, answers: Answers, targets: np.ndarray) -> list[Score]:
        return [_accuracy(self.decided(answers), targets), cross_entropy(self.likelihood(answers, targets))]

    def trivial(self, train_targets: np.ndarray, examples: int) -> Answers:
        shares = np.bincount(np.ravel(train_targets), minlength=self.outputs) / np.size(train_targets)
        return {"probabilities": np.tile(shares, (examples, 1))}

    def shown(self, decision: np.ndarray) -> str:
        return self.classes[int(decision)]

    def likelihood(self, answers: Answers, targets: np.ndarray) -> np.ndarray:
        return np.take_along_axis(answers["probabilities"], np.asarray(targets)[..., None], axis=-1)[..., 0]


@dataclass(frozen=True)
class Numbers:
    """Numbers, by least squares. Targets are (…, count) floats.

    Attributes:
        count: numbers an answer.
        unit: of the numbers, for people.
    """

    count: int = 1
    unit: str = ""

    classes: ClassVar[Sequence[str]] = ()
    score_names: ClassVar[Sequence[str]] = ("mae", "rmse", "loss")
    monitor: ClassVar[str] = "loss"

    @property
    def outputs(self) -> int:
        return self.count

    def loss(self, outputs: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor) -> training.StepLoss:
        return training.squared_error(outputs, targets, weights)

    def answer(self, outputs: tf.Tensor) -> dict[str, tf.Tensor]:
        import tensorflow as tf

        return {"values": tf.cast(outputs, tf.float32)}

    def decided(self, answers: Answers) -> np.ndarray:
        return answers["values"]

    def judge(self, decisions: np.ndarray, targets: np.ndarray) -> Score:
        error = np.mean(np.abs(np.asarray(decisions, np.float64) - targets))
        return Score("mae", float(error), self.unit, higher_is_better=False)

    def scores(self, answers: Answers, targets: np.ndarray) -> list[Score]:
        squared = float(np.mean((np.asarray(answers["values"], np.float64) - targets) ** 2))
        return [
            self.judge(answers["values"], targets),
            Score("rmse", squared**0.5, self.unit, higher_is_better=False),
            Score("loss", squared, higher_is_better=False),
        ]

    def trivial(self, train_targets: np.ndarray, examples: int) -> Answers:
        mean = np.mean(np.reshape(train_targets, (-1, self.count)), axis=0)
        return {"values": np.tile(mean, (examples, 1))}

    def shown(self, decision: np.ndarray) -> str:
        return ",".join(f"{value:.4g}" for value in np.ravel(decision))

    def likelihood(self, answers: Answers, targets: np.ndarray) -> np.ndarray:
        return -np.mean(np.abs(answers["values"] - targets), axis=-1)


def _accuracy(decisions: np.ndarray, targets: np.ndarray) -> Score:
    return Score("accuracy", evaluation.accuracy(np.ravel(targets), np.ravel(decisions)))


def cross_entropy(likelihood: np.ndarray) -> Score:
    """The score that training minimises, from the probabilities of what was right, (answers,)."""
    return Score("loss", evaluation.cross_entropy(likelihood), "nats", higher_is_better=False)
