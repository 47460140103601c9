"""What a forecaster's outputs mean: one number a value, its quantiles, or a normal distribution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from rnn_tasks import training

if TYPE_CHECKING:
    import tensorflow as tf

PointLoss = Literal["squared", "absolute"]


class ForecastHead(Protocol):
    """What the shape asks of a head."""

    @property
    def parts(self) -> int:
        """Outputs of the model a value."""
        ...

    @property
    def deviations(self) -> int:
        """How many of these, counted from the end, are logarithms of deviations."""
        ...

    @property
    def levels(self) -> Sequence[float]:
        """Levels of the quantiles in the answer; empty if the answer has points alone."""
        ...

    def loss(self, outputs: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor) -> training.StepLoss:
        """Outputs (batch, …, targets, parts), targets (batch, …, targets), weights (batch, …) -> the loss."""
        ...

    def answer(self, outputs: tf.Tensor) -> dict[str, tf.Tensor]:
        """Outputs (…, parts) -> `forecast` (…) and `quantiles` (…, levels)."""
        ...


@dataclass(frozen=True)
class Point:
    """One number, the mean or the median.

    Attributes:
        by: the error that is minimised.
    """

    by: PointLoss = "squared"

    parts: ClassVar[int] = 1
    deviations: ClassVar[int] = 0
    levels: ClassVar[Sequence[float]] = ()

    def loss(self, outputs: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor) -> training.StepLoss:
        error = training.squared_error if self.by == "squared" else training.absolute_error
        return error(outputs[..., 0], targets, weights)

    def answer(self, outputs: tf.Tensor) -> dict[str, tf.Tensor]:
        import tensorflow as tf

        outputs = tf.cast(outputs, tf.float32)
        return {"forecast": outputs[..., 0], "quantiles": outputs[..., :0]}


@dataclass(frozen=True)
class Quantiles:
    """Quantiles, the median among them; it is the forecast.

    Attributes:
        levels: rising, symmetric, with 0.5 in the middle.
    """

    levels: Sequence[float]

    deviations: ClassVar[int] = 0

    @property
    def parts(self) -> int:
        return len(self.levels)

    def loss(self, outputs: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor) -> training.StepLoss:
        return training.pinball_loss(outputs, targets, weights, self.levels)

    def answer(self, outputs: tf.Tensor) -> dict[str, tf.Tensor]:
        import tensorflow as tf

        quantiles = tf.sort(tf.cast(outputs, tf.float32), axis=-1)  # each is estimated by itself, so they may cross
        return {"forecast": quantiles[..., len(self.levels) // 2], "quantiles": quantiles}


@dataclass(frozen=True)
class Gaussian:
    """A normal distribution; its mean is the forecast.

    Attributes:
        levels: of the quantiles that are answered.
    """

    levels: Sequence[float]

    parts: ClassVar[int] = 2
    deviations: ClassVar[int] = 1

    def loss(self, outputs: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor) -> training.StepLoss:
        return training.gaussian_negative_log_likelihood(outputs[..., 0], self._log(outputs), targets, weights)

    def answer(self, outputs: tf.Tensor) -> dict[str, tf.Tensor]:
        import tensorflow as tf

        outputs = tf.cast(outputs, tf.float32)
        away = tf.constant([NormalDist().inv_cdf(level) for level in self.levels], tf.float32)
        deviation = tf.exp(self._log(outputs))
        return {"forecast": outputs[..., 0], "quantiles": outputs[..., :1] + deviation[..., None] * away}

    def _log(self, outputs: tf.Tensor) -> tf.Tensor:
        """The deviation's logarithm. An output of 0 is a deviation of 0.1; one near 0 would make the loss explode."""
        import tensorflow as tf

        return tf.maximum(tf.cast(outputs[..., 1], tf.float32) - 2.3, -7.0)


def forecast_head(output: str, levels: Sequence[float], by: PointLoss) -> ForecastHead:
    """The head that a config asks for: point, quantiles or gaussian."""
    heads: dict[str, ForecastHead] = {"point": Point(by), "quantiles": Quantiles(levels), "gaussian": Gaussian(levels)}
    return heads[output]
