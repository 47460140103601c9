"""The settings of a series: which one is read or generated, and how it is prepared for a model."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from rnn_tasks.config import Section

EMBEDDED = ("waves", "sines", "noise", "sunspots")
NO_DATES = "none"
_DATES = ("start", "end", "validation_start", "test_start")


class SeriesConfig(Section):
    """The series, its columns, its splits and its windows."""

    source: str = Field(
        "waves",
        min_length=1,
        description="waves (t·sin(t)/3 + 2·sin(5t)), sines, noise, sunspots (yearly, from statsmodels), or the path of "
        "a CSV file.",
    )
    steps: int = Field(1_000, ge=30, le=10_000_000, description="Steps of a generated series, ten to a unit of t.")
    noise: float = Field(0.0, ge=0, le=100, description="Standard deviation of noise on a generated series.")
    seed: int = Field(1, ge=0, lt=2**31, description="Draws what is random in a generated series.")
    date_column: str = Field(
        "",
        description="The column of dates, or several (year,month or date,hour): names or numbers from 1; empty finds "
        "it; none: the rows are equally spaced steps.",
    )
    targets: str = Field(
        "", description="Columns to forecast, names with commas between; empty takes all numeric ones."
    )
    covariates: str = Field("", description="Numeric columns that are known up to the present.")
    known: str = Field(
        "", description="Columns that are known ahead, such as holidays or prices; text counts as categories."
    )
    date_order: Literal["auto", "month_first", "day_first"] = Field(
        "auto", description="How 01/02/2003 is read; auto finds out, and says so."
    )
    decimal: Literal["auto", "point", "comma"] = Field("auto", description="Decimal mark of numbers.")
    missing_values: str = Field(
        "NA,N/A,#N/A,null,None,?,-", description="What stands for a missing value besides an empty cell."
    )
    duplicates: Literal["last", "mean", "error"] = Field("last", description="What becomes of rows with one date.")
    missing: Literal["interpolate", "forward", "error"] = Field(
        "interpolate", description="What becomes of missing dates and values. None of them is ever scored."
    )
    resample: str = Field("", description="Bring the rows onto steps of a pandas frequency: h, D, W, MS, 15min, …")
    aggregate: Literal["mean", "sum", "last"] = Field("mean", description="How rows of one step become one.")
    time_features: Literal["auto", "none"] = Field(
        "auto", description="auto: hour, weekday and time of year, as far as training holds each twice over."
    )
    difference: int = Field(0, ge=0, le=10_000, description="Forecast the change since so many steps ago; 0 is off.")
    scaling: Literal["standard", "none"] = Field(
        "standard", description="standard: each column to mean 0 and deviation 1 of the training split."
    )
    season: int = Field(
        0, ge=0, le=100_000, description="Steps of a season; 0 finds the one that repeats best in training, 1 is none."
    )
    window: int = Field(0, ge=0, le=100_000, description="Steps that a forecast looks back; 0 follows the season.")
    horizon: int = Field(0, ge=0, le=10_000, description="Steps that are forecast at once; 0 follows the frequency.")
    start: str = Field("", description="Rows before this date (or step) are left out; empty is none.")
    validation_start: str = Field("", description="First date of validation; empty goes by validation_fraction.")
    test_start: str = Field("", description="First date of the test split; empty goes by test_fraction.")
    end: str = Field("", description="Rows after this date (or step) are left out; empty is none.")
    validation_fraction: float = Field(0.15, gt=0, lt=0.5, description="Share of the steps before the test split.")
    test_fraction: float = Field(0.15, gt=0, lt=0.5, description="Share of the steps at the end.")

    @field_validator(
        "date_column", "targets", "covariates", "known", "start", "end", "validation_start", "test_start", mode="before"
    )
    @classmethod
    def _numbers_are_names(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _columns_have_one_role(self):
        chosen = [name for text in (self.targets, self.covariates, self.known) for name in names_of(text)]
        for name in chosen:
            if chosen.count(name) > 1:
                raise ValueError(f"column {name!r} is named twice among targets, covariates and known")
        return self


def names_of(text: str) -> list[str]:
    """`a, b` -> its names."""
    return [name.strip() for name in text.split(",") if name.strip()]
