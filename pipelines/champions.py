"""Which model of a task answers: the best of those that were measured on the same test data.

Figures are compared only if they were measured on the same test data. Trials (`TaskConfig.is_trial`) are never
compared: their models answer only when they are named. Which model is best follows from the registered models; the
registry's aliases tell it to other programs. `champion-<data>` is the best model on that data, `champion` the model
that answers when none is named. A model that was promoted by hand, or with `--promote always`, stays champion until a
later one is better.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import time
from collections.abc import Iterable, Sequence

from pipelines import model_registry, tracking
from pipelines.model_registry import DECISION, PINNED, PROMOTION, REASON, RegisteredModel
from pipelines.promoting import Policy
from pipelines.settings import get_settings
from rnn_tasks.errors import UserError
from rnn_tasks.locks import alone
from rnn_tasks.task import StageResult, Task

SLUG_LENGTH = 60  # MLflow takes aliases of 255 characters


class Registration(StageResult):
    """Where a run's model stands in the registry.

    Attributes:
        model_uri: `models:/<task>/<version>`.
        alias: what this model competes for.
        promoted: whether the alias points to this model now.
        reason: why, in a few words.
    """

    model_uri: str
    alias: str
    promoted: bool
    reason: str


# ----------------------------------------------------------------------------------------------- which model answers


def choose(task: Task, run: str | None = None, data: str | None = None) -> RegisteredModel:
    """The model that answers.

    Args:
        run: the id of its run, or an alias.
        data: a path, or a name; the champion on it answers. Without `run` and `data`, the champion on the data of the
            run that finished last answers.

    Raises:
        UserError: there is no such model, or there are only trials.
    """
    if run is not None and data is not None:
        raise UserError(f"--run {run}, --data {data}: only one of the two chooses the model")
    models = model_registry.registered_models(task)
    if run is not None:
        run_id = model_registry.aliases(task.name).get(run, run)
        for model in models:
            if model.run_id == run_id:
                return model
        raise UserError(f"--run {run}: no registered model of {task.name!r} (its runs: rnn-tasks compare {task.name})")
    if not models:
        raise UserError(f"no model of {task.name!r} is registered yet; train one: rnn-tasks run {task.name}")
    if data is not None:
        learned = ", ".join(dict.fromkeys(model.data for model in models))
        models = _on(models, data)
        if not models:
            raise UserError(f"--data {data}: no model of {task.name!r} learned from it (they learned from: {learned})")
    competing = [model for model in models if model.competes]
    if not competing:
        where = "" if data is None else f"--data {data}: "
        raise UserError(
            f"{where}only trial runs have finished, and their models answer when they are named: "
            f"rnn-tasks predict {task.name} --run {models[0].run_id}"
        )
    return _best(task, _measured_alike(competing, competing[0]))


def described(task: Task, model: RegisteredModel) -> str:
    """A model in one line: run, preset, data, figure."""
    return f"run {model.run_id}, preset {model.preset}, data {model.data}, {task.primary_metric} {model.figure:.4g}"


def _on(models: Sequence[RegisteredModel], data: str) -> list[RegisteredModel]:
    """The models that learned from `data`; a path that exists is not taken for the name of other data."""
    path, exists = os.path.realpath(data), os.path.exists(data)

    def same(model: RegisteredModel) -> bool:
        if not model.data_path:  # data that have only a name, or an old run, whose path was not kept
            return data == model.data or (exists and path == os.path.realpath(model.data))
        return path == model.data_path or (data == model.data and not exists)

    def same_name(model: RegisteredModel) -> bool:
        return not exists and os.path.basename(model.data_path or model.data) == data

    return [m for m in models if same(m)] or [m for m in models if same_name(m)]


def _measured_alike(models: Iterable[RegisteredModel], model: RegisteredModel) -> list[RegisteredModel]:
    return [other for other in models if other.test_digest == model.test_digest]


def _best(task: Task, models: Sequence[RegisteredModel]) -> RegisteredModel:
    """The model with the best figure; of equal ones, the older model. A run without a figure (NaN) is the worst.

    The model that was promoted last beats all models that were there at that time; only later ones can be better.
    """
    last = max(models, key=lambda model: model.pinned)
    models = [model for model in models if model is last or model.version > last.pinned[1]]

    def rank(model: RegisteredModel) -> tuple[float, int]:
        figure = model.figure if task.higher_is_better else -model.figure
        return -math.inf if math.isnan(figure) else figure, -model.version

    return max(models, key=rank)


# ------------------------------------------------------------------------------------------- which model is champion


def compete(task: Task, run_id: str, version: str, policy: Policy = "better") -> Registration:
    """Let a model that was just registered compete, and update the registry's aliases.

    Args:
        policy: "better" promotes the best, "always" this one, "never" keeps it out.
    """
    with _choosing(task):
        if policy != "better":
            tracking.set_tags(run_id, {PROMOTION: policy, **(_pin(int(version)) if policy == "always" else {})})
        models = model_registry.registered_models(task)
        named = _let_aliases_follow(task, models)
    this = next(model for model in models if model.run_id == run_id)
    alike = [model for model in _measured_alike(models, this) if model.competes]
    rivals = [model for model in alike if model is not this]
    if this.held_back:
        alias, promoted, reason = "champion", False, "it was not to compete"
    elif not this.competes:
        alias, promoted, reason = "champion", False, "trial runs do not compete"
    else:
        best = _best(task, alike)
        alias = next(alias for alias, model in named.items() if model is best)
        promoted, reason = best is this, f"the first on {this.data}"
        if rivals:
            rival = _best(task, rivals)
            reason = f"{task.primary_metric} {this.figure:.4g} against {rival.figure:.4g} of run {rival.run_id}"
        if policy == "always":
            reason = f"always: {reason}"
    tracking.set_tags(run_id, {DECISION: "promoted" if promoted else "not promoted", REASON: reason})
    return Registration(model_uri=f"models:/{task.name}/{version}", alias=alias, promoted=promoted, reason=reason)


def promote(task: Task, run: str) -> tuple[RegisteredModel, RegisteredModel]:
    """Let a model be champion on its data, whatever its figure, until a later one is better.

    Args:
        run: the id of its run, or an alias.

    Returns:
        the model, and the one that was champion on this data before (perhaps the same).

    Raises:
        UserError: no such model, or a trial's.
    """
    with _choosing(task):
        model = choose(task, run)
        if not (model.competes or model.held_back):
            raise UserError(f"{run}: a trial run of {task.name!r}; accepted is a run whose model competes")
        models = model_registry.registered_models(task)
        before = _best(task, [each for each in _measured_alike(models, model) if each.competes] or [model])
        reason = f"by hand, over run {before.run_id} ({task.primary_metric} {model.figure:.4g}, {before.figure:.4g})"
        pin = _pin(max(each.version for each in models))
        tracking.set_tags(model.run_id, {PROMOTION: "by hand", **pin, DECISION: "promoted", REASON: reason})
        _let_aliases_follow(task, model_registry.registered_models(task))
    return model, before


def _pin(version: int) -> dict[str, str]:
    """The tag of a promotion: only models after this version can undo it."""
    return {PINNED: f"{time.time_ns()} {version}"}


def _choosing(task: Task) -> contextlib.AbstractContextManager[None]:
    return alone(get_settings().home / "mlruns" / f".champion-of-{task.name}.lock", "chooses the champion")


def _let_aliases_follow(task: Task, models: Sequence[RegisteredModel]) -> dict[str, RegisteredModel]:
    """Point each alias of ours to the model that it names now, and return them all.

    Args:
        models: all models, newest first.
    """
    borne = model_registry.aliases(task.name)
    wanted = _aliases(task, [model for model in models if model.competes], borne)
    for alias, model in wanted.items():
        if borne.get(alias) != model.run_id:
            model_registry.set_alias(task.name, alias, model.version)
    trials = {model.run_id for model in models if not model.competes}
    for alias, run_id in borne.items():  # an older version gave aliases to trials, too
        if re.match(r"champion(-|$)", alias) and run_id in trials and alias not in wanted:
            model_registry.drop_alias(task.name, alias)
    return wanted


def _aliases(task: Task, competing: Sequence[RegisteredModel], borne: dict[str, str]) -> dict[str, RegisteredModel]:
    """Alias -> model. Data that have an alias keep it; two test sets of one name are told apart by their digest."""
    if not competing:
        return {}
    wanted = {"champion": _best(task, _measured_alike(competing, competing[0]))}
    tests = {model.run_id: model.test_digest for model in competing}
    for digest in dict.fromkeys(model.test_digest for model in reversed(competing)):
        alike = [model for model in competing if model.test_digest == digest]
        slugs = [slug(model.data) for model in reversed(alike)]
        names = [name for one in slugs for name in (f"champion-{one}", f"champion-{one}-{digest[:8]}")]
        kept = [name for name in names if tests.get(borne.get(name, "")) == digest]
        free = [name for name in names if name not in wanted and borne.get(name) not in tests]
        wanted[[*kept, *free, names[-1]][0]] = _best(task, alike)
    return wanted


def slug(data: str) -> str:
    """The name or path of data as a part of an alias."""
    return re.sub(r"[^a-z0-9]+", "-", data.lower())[-SLUG_LENGTH:].strip("-") or "data"
