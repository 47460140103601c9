"""Recipes that repeat published experiments: task, settings, seeds, the published figure and its protocol."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Literal

from pydantic import Field

from rnn_tasks.config import Section, TaskConfig, override, validate
from rnn_tasks.errors import UserError
from rnn_tasks.task import Task


class Variant(Section):
    """One of the models that an experiment compares."""

    settings: dict[str, Any] = Field({}, description="Dotted keys that make this variant.")
    published: float | None = Field(None, description="The published figure, where there is one.")
    bar: float | None = Field(None, description="What must be reached here.")
    aim: float | None = Field(None, description="What would be better still.")


class Recipe(Section):
    """A published experiment."""

    name: str = Field(description="The file's name without its ending.")
    summary: str = Field(description="One line.")
    task: str = Field(description="A task of the registry.")
    preset: str = Field("full", description="The preset that the settings change.")
    settings: dict[str, Any] = Field({}, description="Dotted keys, for all variants.")
    seeded: tuple[str, ...] = Field(("seed",), description="Settings that take the number of the seed.")
    seeds: int = Field(ge=1, description="Runs of each variant, with the seeds 1, 2, …")
    metric: str = Field(description="What is compared, by its name in MLflow.")
    statistic: Literal["mean", "median"] = Field("mean", description="Over seeds: which is compared.")
    beside: tuple[str, ...] = Field((), description="Further metrics that are shown.")
    higher_is_better: bool = Field(True, description="The metric's direction.")
    minutes: float = Field(gt=0, description="What all runs cost on two cores.")
    needs_gpu: bool = Field(False, description="Whether they would take days there.")
    source: str = Field(description="Where the figure was published.")
    protocol: str = Field(description="How it was measured, and what is done otherwise here.")
    counts: dict[str, int] = Field({}, description="Sizes of the splits that the protocol asks for.")
    variants: dict[str, Variant] = Field(min_length=1, description="By name; the first is compared first.")

    def config(self, task: Task, variant: str, seed: int, data: str | None = None) -> TaskConfig:
        """The config of one run. The run never competes to be champion.

        Raises:
            UserError: a setting that the task does not have.
        """
        if self.preset not in task.presets:
            raise UserError(f"recipe {self.name}: preset {self.preset!r} is none of {', '.join(task.presets)}")
        changes = {**self.settings, **self.variants[variant].settings, **dict.fromkeys(self.seeded, seed)}
        if data is not None:
            changes["data.source"] = data
        return override(task.presets[self.preset], {**changes, "competes": False})


def recipe_names() -> list[str]:
    """Every recipe of the package, sorted."""
    return sorted(path.name.removesuffix(".toml") for path in _folder().iterdir() if path.name.endswith(".toml"))


def load_recipe(name: str) -> Recipe:
    """The recipe called `name`.

    Raises:
        UserError: there is no such recipe; the message offers the nearest name.
    """
    if name not in (names := recipe_names()):
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise UserError(f"unknown recipe {name!r}{hint} (recipes: {', '.join(names) or 'none'})")
    return parse_recipe(name, (_folder() / f"{name}.toml").read_text("utf-8"))


def parse_recipe(name: str, text: str) -> Recipe:
    """A recipe from its TOML; a section `settings` may be written with tables or with dotted keys in quotes."""
    return validate(Recipe, {"name": name, **_written_out(tomllib.loads(text))})


def _written_out(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _dotted(value) if key == "settings" else _written_out(value) if isinstance(value, Mapping) else value
        for key, value in values.items()
    }


def _dotted(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """`{"model": {"units": 8}}` as `{"model.units": 8}`."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= _dotted(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value}
    return found


def _folder() -> Any:
    return files("rnn_tasks.recipes")
