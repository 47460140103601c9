"""The command line's arguments as a config, options and paths, checked before anything is loaded."""

from __future__ import annotations

import os
from pathlib import Path

from rnn_tasks.config import Section, TaskConfig, dotted_keys, override, parse_assignment, validate
from rnn_tasks.errors import UserError
from rnn_tasks.registry import TASK_MODULES, get_task
from rnn_tasks.task import Task


def chosen_config(
    task: Task, preset: str, data: str | None, assignments: tuple[str, ...], seed: int | None
) -> TaskConfig:
    """A preset with the user's choices laid over it.

    Raises:
        UserError: an unknown preset or key, or a value out of bounds.
    """
    if preset not in task.presets:
        raise UserError(f"--preset {preset}: task {task.name!r} has {', '.join(task.presets)}")
    changes = dict(parse_assignment(text) for text in assignments)
    if data is not None:
        if "data.source" not in dotted_keys(task.config):
            raise UserError(f"--data {data}: task {task.name!r} makes its data itself; its config has no data.source")
        changes["data.source"] = data
    if seed is not None:
        changes["seed"] = seed
    return override(task.presets[preset], changes)


def with_flags(arguments: list[str]) -> list[str]:
    """Command line arguments in which a task's yes-or-no options have a value: `--next` becomes `--next true`."""
    if len(arguments) < 2 or arguments[0] not in ("predict", "generate") or arguments[1] not in TASK_MODULES:
        return arguments
    task = get_task(arguments[1])
    accepted = task.predict_options if arguments[0] == "predict" else task.generate_options
    flags = {f"--{name.replace('_', '-')}" for name, field in accepted.model_fields.items() if field.annotation is bool}
    following = [*arguments[1:], "--"]
    return [
        part
        for argument, then in zip(arguments, following, strict=True)
        for part in ([argument, "true"] if argument in flags and then.startswith("--") else [argument])
    ]


def validate_options(task: Task, options: dict[str, str], accepted: type[Section]) -> Section:
    """`--n-best 3` as the field `n_best` of the options that a task accepts."""
    known = accepted.model_fields
    values = {name.replace("-", "_"): value for name, value in options.items()}
    for name in values:
        if name not in known:
            names = ", ".join(f"--{field.replace('_', '-')}" for field in known) or "none"
            raise UserError(f"unknown option --{name.replace('_', '-')} (options of {task.name!r}: {names})")
    return validate(accepted, values)


def check_paths(task: Task, input: Path | None, output: Path | None, options: Section) -> None:  # noqa: A002  (the option's name)
    """Check the user's paths, before anything is loaded.

    Raises:
        UserError: an input that is no file, an output that is a directory, or two outputs in one file.
    """
    if input and not os.path.exists(input):  # `Path.exists` raises an error if a name is too long
        raise UserError(f"--input {input}: no such file")
    if input and input.is_dir():
        raise UserError(f"--input {input}: is a directory; a file is wanted")
    outputs = {"output": output, **{name: value for name, value in options if isinstance(value, Path)}}
    seen: dict[str, str] = {}
    for name, path in outputs.items():
        if path and os.path.isdir(path):
            raise UserError(f"--{name} {path}: is a directory; a file is wanted")
        if path and (os.path.isfile(path) or not os.path.exists(path)):
            other = seen.setdefault(os.path.realpath(path), name)
            if other != name:
                raise UserError(f"--{name} {path}: --{other} is written there")
