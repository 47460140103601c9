"""Configs that try every value of every setting, and every two values of two settings together, in few runs."""

from __future__ import annotations

import contextlib
import functools
import itertools
import random
from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from rnn_tasks.config import TaskConfig, dotted_keys, override
from rnn_tasks.errors import UserError

Pair = tuple[tuple[str, Any], tuple[str, Any]]
TRIES = 40


def covering_configs(base: TaskConfig) -> tuple[list[TaskConfig], list[Pair]]:
    """Few configs near `base` that have every possible pair of values among them, and the pairs that are impossible.

    A Literal and a bool take all values, a number the one of `base` and another sensible one, a string the one of
    `base` and its field's examples. What the config's own rules refuse is left out.
    """
    domains = {key: values for key, values in _domains(base) if len(values) > 1}
    picks = [[(key, value) for value in values] for key, values in domains.items()]
    missing = {pair: None for one, other in itertools.combinations(picks, 2) for pair in itertools.product(one, other)}
    draw = random.Random(1)
    configs, impossible = [], []
    while missing:
        wanted = next(iter(missing))
        best, covered = None, []
        for _ in range(TRIES):
            chosen = {key: draw.choice(values) for key, values in domains.items()} | dict(wanted)
            config = _valid(base, chosen)
            found = [pair for pair in itertools.combinations(chosen.items(), 2) if pair in missing] if config else []
            if len(found) > len(covered):
                best, covered = config, found
        if best is None:
            impossible.append(wanted)
            covered = [wanted]
        else:
            configs.append(best)
        for pair in covered:
            del missing[pair]
    return configs, impossible


def _valid(base: TaskConfig, changes: dict[str, Any]) -> TaskConfig | None:
    try:
        return override(base, changes)
    except UserError:
        return None


def _domains(base: TaskConfig) -> Iterator[tuple[str, list[Any]]]:
    for key in dotted_keys(type(base)):
        *parents, name = key.split(".")
        section = functools.reduce(getattr, parents, base)
        yield key, values(type(section).model_fields[name], getattr(section, name))


def values(field: FieldInfo, value: Any) -> list[Any]:
    """The values to try of a field that has `value` in the base config, that one first."""
    if field.annotation is bool:
        return [value, not value]
    if get_origin(field.annotation) is Literal:
        return [value, *(other for other in get_args(field.annotation) if other != value)]
    if field.examples:
        return [value, *(other for other in field.examples if other != value)]
    if isinstance(value, (int, float)):
        return [value, *_other_number(field, value)]
    return [value]


def _other_number(field: FieldInfo, value: float) -> list[float]:
    """Another number that the field accepts: 0, which often switches something off, or half as much, or twice.

    Where the base has 0, something small: the runs stay small.
    """
    likely = [0, value / 2, value * 2] if value else [2, 1] if isinstance(value, int) else [0.25, 0.1, 1.0]
    accepts = TypeAdapter(Annotated[(field.annotation, *field.metadata)])
    for other in likely:
        with contextlib.suppress(ValidationError):
            return [accepts.validate_python(type(value)(other))]
    return []
