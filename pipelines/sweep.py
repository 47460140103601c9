"""Many settings of a task, tried one after the other: one parent run in MLflow with a child for each trial and seed.

What MLflow keeps is all that a sweep remembers: after a kill the same sweep finds there what it has tried.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pipelines import nested_runs, tracking, trial
from pipelines.search_space import SearchSpace, Settings
from rnn_tasks import activity
from rnn_tasks.config import TaskConfig, override
from rnn_tasks.errors import UserError
from rnn_tasks.files import json_digest
from rnn_tasks.task import StageResult, Task

if TYPE_CHECKING:
    import keras

    from pipelines.sampling import Pruner
    from pipelines.tracking import Run

KIND = "sweep"
NUMBER, SEED, SETTINGS, PRUNED, ERROR = "sweep_trial", "sweep_seed", "sweep_settings", "sweep_pruned", "sweep_error"

Starter = Callable[[TaskConfig], Any]
"""Runs a task's whole chain on a config; its model does not become champion."""


class Attempt(StageResult):
    """A child: one trial's settings with one seed.

    Attributes:
        settings: what varies, by dotted key.
        status: `finished`, `pruned` (it ended early, because others had done better by then) or `failed`.
        figure: the validation metric that chose the run's epoch, at that epoch; None unless it has finished.
        curve: the same metric after each epoch.
        error: why it failed.
    """

    number: int
    seed: int
    settings: dict[str, Any]
    status: Literal["finished", "pruned", "failed"]
    run_id: str
    figure: float | None
    curve: tuple[float, ...]
    error: str


class Trial(StageResult):
    """One setting of what varies, over its seeds.

    Attributes:
        mean, low, high: of the finished attempts' figures; None where none has finished.
    """

    number: int
    settings: dict[str, Any]
    attempts: tuple[Attempt, ...]
    mean: float | None
    low: float | None
    high: float | None

    def count(self, status: str) -> int:
        """How many attempts have this status."""
        return sum(attempt.status == status for attempt in self.attempts)


class Swept(StageResult):
    """What came out.

    Attributes:
        metric: the validation metric that trials are ranked by; the test split has no say.
        trials: the best first, those without a figure last.
        parent: the MLflow run above all.
    """

    task: str
    metric: str
    higher_is_better: bool
    trials: tuple[Trial, ...]
    parent: str

    @property
    def best(self) -> Trial:
        """The trial with the best mean."""
        return self.trials[0]

    def best_attempt(self) -> Attempt:
        """The best trial's best seed."""
        finished = [attempt for attempt in self.best.attempts if attempt.status == "finished"]
        return (max if self.higher_is_better else min)(finished, key=lambda attempt: attempt.figure or 0.0)


def sweep(
    task: Task, base: TaskConfig, space: SearchSpace, start: Starter, *, seeds: int, sampled: int, fresh: bool
) -> Swept:
    """Run what has not been run yet, and rank.

    Args:
        base: every trial's config, but for what varies.
        seeds: attempts a trial, with the seeds base.seed, base.seed + 1, …
        sampled: how many trials Optuna draws; 0 tries every combination.
        fresh: forget what an interrupted sweep has finished.

    Raises:
        UserError: not one trial finished, or another process runs the same sweep.
    """
    # Neither seeds nor the number of samples: with more of them, the same sweep goes on.
    key = json_digest([task.name, base.model_dump(mode="json"), _described(space), bool(sampled)])
    grid = [] if sampled else list(space.grid())
    total, wanted = sampled or len(grid), range(base.seed, base.seed + seeds)
    with nested_runs.parent(
        task.name,
        KIND,
        f"sweep {task.name} · {', '.join(space.varied)}",
        key,
        {"data": getattr(getattr(base, "data", None), "source", "")},
        is_whole=lambda parent: not any(_left(attempts(task, parent), n, wanted) for n in range(1, total + 1)),
        fresh=fresh,
    ) as parent:
        for number in range(1, total + 1):
            tried = attempts(task, parent)
            if not _left(tried, number, wanted):
                continue
            settings, pruner = _drawn(task, space, parent, tried, number) if sampled else (grid[number - 1], None)
            what = ", ".join(f"{key.rpartition('.')[2]}={value}" for key, value in settings.items())
            while left := _left(attempts(task, parent), number, wanted):
                seed = left[0]
                with activity.doing(f"trial {number} of {total}: {what}, seed {seed}"):
                    config = override(base, {**settings, "seed": seed})
                    # By the first seed's curve, with which the others' are compared.
                    callbacks = [pruner] if pruner and seed == base.seed else []
                    _attempt(task, config, parent, number, settings, callbacks, start)
        return _ranked(task, parent)


def _left(tried: Sequence[Attempt], number: int, seeds: Sequence[int]) -> list[int]:
    """The seeds with which a trial is still to be run: none once one of them fell behind the other trials."""
    done = {each.seed: each.status for each in tried if each.number == number}
    return [] if "pruned" in done.values() else [seed for seed in seeds if seed not in done]


def _drawn(
    task: Task, space: SearchSpace, parent: str, tried: Sequence[Attempt], number: int
) -> tuple[Settings, Pruner]:
    """What Optuna draws as the trial of this number, or what this was begun with; and what may end it early."""
    from pipelines import sampling  # imports Keras and Optuna, which a grid does not need

    tags = [run.data.tags for run in nested_runs.children_of(task.name, parent)]
    begun = [json.loads(each[SETTINGS]) for each in tags if each.get(NUMBER) == str(number)]
    drawn = sampling.draw(space, tried, _higher_is_better(task, parent), number, next(iter(begun), None))
    return drawn.params, sampling.Pruner(drawn)


def _described(space: SearchSpace) -> list[Any]:
    return [dict(space.choices), {key: str(value) for key, value in space.ranges.items()}]


def _attempt(
    task: Task,
    config: TaskConfig,
    parent: str,
    number: int,
    settings: Settings,
    callbacks: Sequence[keras.callbacks.Callback],
    start: Starter,
) -> None:
    """One child; if it fails, it alone fails."""
    tags = {NUMBER: str(number), SEED: str(config.seed), SETTINGS: json.dumps(settings), nested_runs.PARENT: parent}
    with trial.surrounded(tags, callbacks):
        try:
            nested_runs.adopt(parent, start(config).run_id, tags)  # one that goes on from elsewhere has no tags yet
        except trial.Pruned:
            _mark(task, parent, tags, {PRUNED: "True"})
        except Exception as error:
            _mark(task, parent, tags, {ERROR: " ".join(str(error).split()) or type(error).__name__})


def _mark(task: Task, parent: str, tags: dict[str, str], further: dict[str, str]) -> None:
    for run in nested_runs.children_of(task.name, parent):
        if tags.items() <= run.data.tags.items():
            tracking.set_tags(run.info.run_id, further)
            return
    # It failed before it had a run: while its data were prepared, say.
    run_id = tracking.client().create_run(tracking.experiment_id(task.name), tags={**tags, **further}).info.run_id
    tracking.client().set_terminated(run_id, status="FAILED")


def attempts(task: Task, parent: str) -> list[Attempt]:
    """What was tried below a parent, in the order of trials and seeds; not what was interrupted."""
    runs = [run for run in nested_runs.children_of(task.name, parent) if NUMBER in run.data.tags]
    found = [attempt for attempt in map(_read, runs) if attempt]
    return sorted(found, key=lambda attempt: (attempt.number, attempt.seed))


def _read(run: Run) -> Attempt | None:
    tags, status = run.data.tags, "finished" if run.info.status == "FINISHED" else None
    status = "pruned" if PRUNED in tags else "failed" if ERROR in tags else status
    if status is None:
        return None
    metric = tags.get(tracking.MONITOR, "")
    return Attempt(
        number=int(tags[NUMBER]),
        seed=int(tags[SEED]),
        settings=json.loads(tags[SETTINGS]),
        status=status,
        run_id=run.info.run_id,
        figure=run.data.metrics.get(metric) if status == "finished" else None,
        curve=tuple(tracking.by_epoch(run.info.run_id, metric)) if metric else (),
        error=tags.get(ERROR, ""),
    )


def _ranked(task: Task, parent: str) -> Swept:
    """The trials, the best first.

    Raises:
        UserError: not one has finished.
    """
    tried, higher = attempts(task, parent), _higher_is_better(task, parent)
    finished = [attempt for attempt in tried if attempt.status == "finished"]
    if not finished:
        raise UserError(f"no trial of {len(tried)} has finished; the first: {tried[0].error or tried[0].status}")
    trials = [_over_seeds([each for each in tried if each.number == number]) for number in _numbers(tried)]
    sign = -1 if higher else 1
    trials.sort(key=lambda each: (each.mean is None, sign * (each.mean or 0.0)))
    metric = tracking.get_run(finished[0].run_id).data.tags[tracking.MONITOR]
    return Swept(task=task.name, metric=metric, higher_is_better=higher, trials=tuple(trials), parent=parent)


def _numbers(tried: Sequence[Attempt]) -> Iterator[int]:
    return iter(dict.fromkeys(attempt.number for attempt in tried))


def _over_seeds(tried: Sequence[Attempt]) -> Trial:
    figures = [each.figure for each in tried if each.status == "finished" and each.figure is not None]
    return Trial(
        number=tried[0].number,
        settings=tried[0].settings,
        attempts=tuple(tried),
        mean=statistics.fmean(figures) if figures else None,
        low=min(figures, default=None),
        high=max(figures, default=None),
    )


def _higher_is_better(task: Task, parent: str) -> bool:
    """The direction of the validation metric, which a run knows once it has trained."""
    for run in nested_runs.children_of(task.name, parent):
        if tracking.MONITOR_DIRECTION in run.data.tags:
            return run.data.tags[tracking.MONITOR_DIRECTION] == "higher"
    return False
