"""What tells one run from another: its preset, its test data, the versions and the commit it ran with."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from collections import Counter
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from pipelines import names
from pipelines.settings import PROJECT
from rnn_tasks.config import TaskConfig
from rnn_tasks.files import json_digest
from rnn_tasks.task import Prepared, Task

LOWER_IS_BETTER = "lower_is_better"  # a tag: metric of the report -> yes or no, as JSON
CHANGES_TOLD, VALUE_LENGTH = 4, 40
VERSIONED = ("rnn-tasks", "tensorflow", "tensorflow-text", "keras", "numpy", "mlflow", "prefect")


def nearest_preset(task: Task, config: TaskConfig) -> str:
    """The preset that a config is closest to, and how many settings differ: `quick`, `quick+2`."""
    chosen = flat(config.model_dump(mode="json"))

    def changes(name: str) -> int:
        preset = flat(task.presets[name].model_dump(mode="json"))
        return sum(preset[key] != value for key, value in chosen.items())

    name = min(task.presets, key=changes)
    return f"{name}+{changes(name)}" if changes(name) else name


def title(task: Task, config: TaskConfig, source: str) -> str:
    """A run in a few words: preset, data, and what was changed: `quick · corpora/wmt · units=256, epochs=3`.

    Args:
        task, config: of the run.
        source: name of the data, or their path, whose last two parts are shown.
    """
    name, settings = nearest_preset(task, config).partition("+")[0], flat(config.model_dump(mode="json"))
    preset = flat(task.presets[name].model_dump(mode="json"))
    changed = {key: value for key, value in settings.items() if preset[key] != value and key != "data.source"}
    last = Counter(key.rpartition(".")[2] for key in changed)
    told = [
        f"{key if last[key.rpartition('.')[2]] > 1 else key.rpartition('.')[2]}={_short(value)}"
        for key, value in changed.items()
    ]
    more = [f"{len(told) - CHANGES_TOLD} more"] if len(told) > CHANGES_TOLD else []
    parts = [name, "/".join(Path(source).parts[-2:]), ", ".join([*told[:CHANGES_TOLD], *more])]
    return " · ".join(filter(None, parts))


def _short(value: Any) -> str:
    return names.shortened(str(value), VALUE_LENGTH)


def data_path(task: Task, config: TaskConfig) -> dict[str, str]:
    """The tag that says where the user's data lie, absolute and without links; none where they have only a name."""
    source = flat(config.model_dump()).get("data.source")
    return {"data_path": os.path.realpath(source)} if source and task.inputs(config) else {}


def competed(tags: Mapping[str, str], params: Mapping[str, str]) -> bool:
    """Whether the model of a run may be champion, by what MLflow keeps of the run (see `TaskConfig.is_trial`).

    Older runs have no tag for it: for them, the preset for tests and `training.limit_batches` decide.
    """
    if "competes" in tags:
        return tags["competes"] == "True"
    was_tiny = tags.get("preset", "").partition("+")[0] == "tiny"
    return not was_tiny and params.get("training.limit_batches", "0") == "0"


def lower_is_better(tags: Mapping[str, str]) -> dict[str, bool]:
    """Whether lower is better, by metric of the run's report; empty for older runs, which have no such tag."""
    try:
        found: dict[str, bool] = json.loads(tags.get(LOWER_IS_BETTER, "{}"))
    except ValueError:  # MLflow has cut it: there are hundreds of metrics
        return {}
    return found


def digest_of_test(prepared: Prepared, config: TaskConfig) -> str:
    """A digest that is equal if the test data are equal, in any encoding, and figures are measured in the same way.

    The way is the config's section `evaluation`, if there is one; a section of defaults does not change the digest.
    """
    way = getattr(config, "evaluation", None)
    if way is None or way == type(way)():
        return prepared.test_digest
    return json_digest([prepared.test_digest, way.model_dump(mode="json")])[:16]


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested values under dotted keys."""
    result: dict[str, Any] = {}
    for key, value in values.items():
        result |= flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value}
    return result


def surroundings() -> dict[str, str]:
    """Versions and the git commit, under the names of MLflow tags."""
    versions = {f"version.{package}": metadata.version(package) for package in VERSIONED}
    return {"version.python": platform.python_version(), **versions, **_git_tags()}


def requirements() -> list[str]:
    """The dependencies without those of the orchestration, pinned to the installed versions."""
    orchestration = {
        "prefect",
        "sqlalchemy",
        "fastapi",
        "uvicorn",
        "pydocket",
        "mlflow",
        "psutil",
        "optuna",
        "cyclopts",
        "pydantic-settings",
    }
    required = [re.split(r"[^\w-]", line)[0] for line in metadata.requires("rnn-tasks") or () if "extra ==" not in line]
    return [f"{name}=={metadata.version(name)}" for name in required if name not in orchestration]


def _git_tags() -> dict[str, str]:
    def git(*arguments: str) -> str:
        command = ["git", "-C", str(PROJECT), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--short", "--untracked-files=no")
        return {"mlflow.source.git.commit": git("rev-parse", "HEAD"), "git.uncommitted_changes": str(bool(changed))}
    except (OSError, subprocess.CalledProcessError):
        return {"mlflow.source.git.commit": "unknown"}  # installed without its repository
