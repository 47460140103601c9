"""Config sections of tasks that forecast series."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from rnn_tasks.config import Section, TaskConfig
from rnn_tasks.errors import UserError
from rnn_tasks.series.config import SeriesConfig
from rnn_tasks.shapes.config import RecurrentConfig, SequenceTrainingConfig


class ForecasterConfig(RecurrentConfig):
    """The forecaster."""

    way: Literal["vector", "sequence", "encoder_decoder"] = Field(
        "vector",
        description="vector: all steps ahead from the last state; sequence: at every step of the window those behind "
        "it; encoder_decoder: a decoder reads what is known of each step ahead.",
    )
    output: Literal["point", "quantiles", "gaussian"] = Field("quantiles", description="What is forecast of a value.")
    quantiles: str = Field(
        "0.05,0.25,0.5,0.75,0.95", description="Levels, symmetric around 0.5; a normal distribution is asked for them."
    )
    point_loss: Literal["squared", "absolute"] = Field("squared", description="What output=point minimises.")
    linear: bool = Field(True, description="Add a linear function of the window, which starts as the seasonal naive.")
    segment: int = Field(
        0,
        ge=0,
        le=1_000,
        description="Steps of the window read at once, so that long windows are quick; 1 is one by one, 0 follows the "
        "window. Not for way=sequence.",
    )
    local_scaling: bool = Field(True, description="Read a window relative to its own mean and deviation.")

    @field_validator("quantiles", mode="before")
    @classmethod
    def _levels(cls, value: Any) -> str:
        text = str(value).strip("[]() ")
        try:
            levels = [float(part) for part in text.split(",")]
        except ValueError:
            raise ValueError("accepted are numbers with commas between them") from None
        mirrored = all(abs(a + b - 1) < 1e-9 for a, b in zip(levels, reversed(levels), strict=True))
        rising = all(a < b for a, b in itertools.pairwise(levels))
        if not (mirrored and rising and len(levels) % 2 and levels[0] > 0):
            raise ValueError("accepted are levels that rise and are symmetric around 0.5, such as 0.1,0.5,0.9")
        return ",".join(f"{level:g}" for level in levels)

    @property
    def levels(self) -> tuple[float, ...]:
        """The quantiles as numbers."""
        return tuple(float(part) for part in self.quantiles.split(","))


class ForecastTrainingConfig(SequenceTrainingConfig):
    """How a forecaster is trained."""

    windows_per_epoch: int = Field(
        10_000, ge=0, le=100_000_000, description="Windows drawn for an epoch at most; 0 is all there are."
    )
    val_windows: int = Field(2_000, ge=1, le=10_000_000, description="Validation windows at most, evenly spaced.")


class ForecastEvaluationConfig(Section):
    """How forecasts are judged."""

    origins: int = Field(1_000, ge=1, le=1_000_000, description="Test forecasts at most, evenly spaced.")
    classical_origins: int = Field(
        20, ge=0, le=10_000, description="Of these, so many by ETS and ARIMA, too, which take long; 0 is none."
    )
    classical_targets: int = Field(3, ge=1, le=1_000, description="Targets that ETS and ARIMA forecast at most.")
    backtest_windows: int = Field(
        5, ge=1, le=1_000, description="Spans of the test split, one after the other, that are judged each for itself."
    )


class ForecastConfig(TaskConfig):
    """Everything a run depends on."""

    data: SeriesConfig = SeriesConfig()
    model: ForecasterConfig = ForecasterConfig()
    training: ForecastTrainingConfig = ForecastTrainingConfig()
    evaluation: ForecastEvaluationConfig = ForecastEvaluationConfig()

    @model_validator(mode="after")
    def _intervals_fit(self):
        self.check_intervals(self.data.horizon)
        return self

    def check_intervals(self, horizon: int) -> None:
        """Whether the intervals of a differenced series mean something over a horizon.

        Raises:
            UserError: they would be intervals of one change, but several changes are added up.
        """
        difference = self.data.difference
        if self.model.output != "point" and 0 < difference < horizon:
            raise UserError(
                f"model.output={self.model.output} has no intervals for sums of changes: found data.difference "
                f"{difference} and a horizon of {horizon}; accepted are model.output=point, or data.horizon up to "
                f"{difference}"
            )


class ForecastOptions(Section):
    """What `predict` lets its caller choose."""

    steps: int | None = Field(
        None, ge=1, le=1_000_000, description="Steps ahead; more than the model's horizon are forecast from forecasts."
    )


class SeriesGenerationOptions(Section):
    """What `generate` lets its caller choose."""

    seed_window: str = Field(
        "train", min_length=1, description="What the network reads first: train (its end), zeros, noise, or FILE.csv."
    )
    steps: int = Field(300, ge=1, le=1_000_000, description="Steps that are written.")
    noise: float = Field(0.0, ge=0, le=10, description="Deviation of noise on what is fed back, in the series' own.")
    seed: int = Field(1, ge=0, lt=2**31, description="Draws the noise.")
    figure: Path | None = Field(None, description="Draw seed and continuation into this PNG.")

    @model_validator(mode="after")
    def _draws_png(self):
        if self.figure and self.figure.suffix.lower() != ".png":
            raise ValueError(f"figure: {self.figure} ends in {self.figure.suffix or 'nothing'}; accepted is .png")
        return self
