"""What a sweep tries: `model.units=128,256`, `model.cell=["lstm","gru"]`, `training.learning_rate=1e-4..1e-2 log`."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.provenance import flat
from rnn_tasks.config import TaskConfig, override, parse_assignment
from rnn_tasks.errors import UserError

RANGE = re.compile(r"(?P<low>[-+.\deE]+)\.\.(?P<high>[-+.\deE]+)(?P<log>\s+log)?")
MOST_TRIALS = 10_000
Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Range:
    """Numbers between two bounds, both included; whole numbers if the bounds are whole.

    Attributes:
        log: whether numbers are drawn evenly on a logarithmic scale, instead of a linear one.
    """

    low: int | float
    high: int | float
    log: bool = False

    def __str__(self) -> str:
        return f"{self.low}..{self.high}{' log' if self.log else ''}"

    def as_the_setting(self, key: str, default: Any) -> Range:
        """The same range, with whole bounds if the setting is a whole number, with floats otherwise.

        Raises:
            UserError: the setting is no number, or it is a whole number and the bounds are not.
        """
        if isinstance(default, bool) or not isinstance(default, (int, float, type(None))):
            raise UserError(f"--set {key}={self}: a range is for numbers; accepted are values: {key}=VALUE,VALUE")
        kind = int if isinstance(default, int) else float
        bounds = kind(self.low), kind(self.high)
        if bounds != (self.low, self.high):
            raise UserError(f"--set {key}={self}: accepted are whole numbers")
        return Range(*bounds, self.log)


@dataclass(frozen=True)
class SearchSpace:
    """The settings that are fixed, and those that vary.

    Attributes:
        fixed: key -> value.
        choices: key -> two or more values.
        ranges: key -> range.
    """

    fixed: Settings
    choices: Mapping[str, Sequence[Any]]
    ranges: Mapping[str, Range]

    @property
    def varied(self) -> list[str]:
        """The keys that differ from trial to trial."""
        return [*self.choices, *self.ranges]

    def grid(self) -> Iterator[dict[str, Any]]:
        """Every combination of the choices, the last key varying fastest."""
        for values in itertools.product(*self.choices.values()):
            yield dict(zip(self.choices, values, strict=True))

    def corners(self) -> Iterator[dict[str, Any]]:
        """Settings in which each value stands at least once, to check each key by itself."""
        first = {key: values[0] for key, values in self.choices.items()} | {k: r.low for k, r in self.ranges.items()}
        for key, values in {**self.choices, **{k: (r.low, r.high) for k, r in self.ranges.items()}}.items():
            for value in values:
                yield {**first, key: value}


def parse(assignments: Sequence[str], by_grid: bool) -> SearchSpace:
    """`--set` of the command line, as a space.

    Args:
        assignments: `key=value`, `key=value,value`, `key=low..high`, `key=low..high log`; in JSON, where values have
            commas in them: `key="a,b"` and `key=["a,b"]` are fixed, `key=["a,b", "c"]` varies.
        by_grid: whether every combination is tried; a range has too many values for that.

    Raises:
        UserError: a key is set twice, bounds are wrong, a grid has a range, or nothing varies.
    """
    fixed: dict[str, Any] = {}
    choices: dict[str, Sequence[Any]] = {}
    ranges: dict[str, Range] = {}
    for text in assignments:
        key, value = parse_assignment(text)
        if key in fixed or key in choices or key in ranges:
            raise UserError(f"--set {text}: {key} is set twice; accepted are all its values in one --set")
        written = text.partition("=")[2].strip()
        if match := RANGE.fullmatch(written):
            if by_grid:
                raise UserError(f"--set {text}: a range is for --optuna N; a grid takes values: {key}=VALUE,VALUE")
            ranges[key] = _range(text, match)
            continue
        values = [value]
        if isinstance(value, list):
            values = value
        elif isinstance(value, str) and value == written:  # what is no JSON
            values = [parse_assignment(f"{key}={part.strip()}")[1] for part in value.split(",")]
        if not values or len({json.dumps(one) for one in values}) < len(values):
            raise UserError(f"--set {text}: accepted are one or more values, all different")
        if len(values) == 1:
            fixed[key] = values[0]
        else:
            choices[key] = tuple(values)
    if not choices and not ranges:
        raise UserError("--set: nothing varies; accepted is, for instance, --set model.units=128,256")
    # Sorted, in whatever order they were given: trials are numbered in this order.
    return SearchSpace(fixed, dict(sorted(choices.items())), dict(sorted(ranges.items())))


def _range(text: str, match: re.Match[str]) -> Range:
    try:
        low, high = (json.loads(match[side]) for side in ("low", "high"))
    except json.JSONDecodeError:
        raise UserError(f"--set {text}: the bounds of a range are numbers, such as 16..128 or 1e-4..1e-2") from None
    log = match["log"] is not None
    if not (low < high and math.isfinite(high - low) and (low > 0 or not log)):
        raise UserError(f"--set {text}: accepted are bounds of which the first is smaller{', and above 0' * log}")
    return Range(low, high, log)


def check(space: SearchSpace, base: TaskConfig) -> tuple[SearchSpace, TaskConfig]:
    """The space, with ranges of whole numbers for whole settings, and the config with what is fixed.

    Every value was tried on the config.

    Raises:
        UserError: an unknown key, a value that is not accepted, or too many combinations.
    """
    if "seed" in space.varied:
        raise UserError("--set seed: every trial has the same seeds; accepted is --seeds N")
    if (trials := math.prod(map(len, space.choices.values()))) > MOST_TRIALS and not space.ranges:
        raise UserError(f"--set: {trials:,} combinations; accepted are up to {MOST_TRIALS:,}, or --optuna N draws some")
    base = override(base, space.fixed)
    defaults = flat(base.model_dump())
    ranges = {key: found.as_the_setting(key, defaults.get(key, 0.0)) for key, found in space.ranges.items()}
    space = dataclasses.replace(space, ranges=ranges)
    for settings in space.corners() if ranges else space.grid():
        override(base, settings)  # a range may still give values that are refused together; then one trial fails
    return space, base
