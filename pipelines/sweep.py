"""Many settings of a task, tried one after the other: one parent run in MLflow with a child for each trial and seed.

A sweep keeps its state in MLflow alone: after a kill, the same sweep finds there what it has tried.
"""

from __future__ import annotations

import errno
import functools
import json
import logging
import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pipelines import nested_runs, tracking, trial
from pipelines.errors import ServerError
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

logger = logging.getLogger(__name__)

KIND = "sweep"
NUMBER, SEED, SETTINGS, ERROR = "sweep_trial", "sweep_seed", "sweep_settings", "sweep_error"

ERROR_LENGTH = 1000  # MLflow takes tags of 8,000 characters

Starter = Callable[[TaskConfig, bool], Any]
"""Runs a task's whole chain on a config, anew or not; its model does not become champion."""


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
    """One choice of the settings that vary, over its seeds.

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
    """The result of a sweep.

    Attributes:
        metric: the validation metric that trials are ranked by; the test split has no say.
        trials: the best first, those without a figure last.
        parent: the MLflow run above all.
        alike: whether all were measured on the same test data, and so on the same data.
    """

    task: str
    metric: str
    higher_is_better: bool
    trials: tuple[Trial, ...]
    parent: str
    alike: bool

    @property
    def best(self) -> Trial:
        """The trial with the best mean."""
        return self.trials[0]

    def best_attempt(self) -> Attempt:
        """The best trial's best seed."""
        finished = [attempt for attempt in self.best.attempts if attempt.status == "finished"]
        return (max if self.higher_is_better else min)(finished, key=lambda attempt: attempt.figure or 0.0)


def sweep(
    task: Task,
    base: TaskConfig,
    space: SearchSpace,
    start: Starter,
    *,
    seeds: int,
    sampled: int,
    fresh: bool,
    report: Callable[[Swept], None] = lambda swept: None,
) -> Swept:
    """Run the attempts that are missing or have failed, and rank the trials.

    Args:
        base: every trial's config, but for what varies.
        seeds: attempts a trial, with the seeds base.seed, base.seed + 1, …
        sampled: how many trials Optuna draws; 0 tries every combination.
        fresh: forget what an interrupted sweep has finished.
        report: gets the result before the parent has finished.

    Raises:
        UserError: no trial finished, or another process runs the same sweep.
    """
    # The key has neither seeds nor the number of samples: with more of them, the same sweep goes on.
    varied = [[*space.choices.items()], [(key, str(found)) for key, found in space.ranges.items()]]
    key = json_digest([task.name, base.model_dump(mode="json"), varied, bool(sampled)])
    grid = [] if sampled else list(space.grid())
    total, wanted = sampled or len(grid), range(base.seed, base.seed + seeds)
    with nested_runs.parent(
        task.name,
        KIND,
        f"sweep {task.name} · {', '.join(space.varied)}",
        key,
        {"data": getattr(getattr(base, "data", None), "source", "")},
        is_whole=lambda parent: not any(_left(_succeeded(task, parent), n, wanted) for n in range(1, total + 1)),
        fresh=fresh,
    ) as parent:
        anew = not nested_runs.children_of(task.name, parent)  # does not go on with runs of another sweep

        def start_it(config: TaskConfig) -> Any:
            return start(config, anew)

        logger.info("sweep: %d trials with %d seeds of %s", total, seeds, ", ".join(space.varied))
        failed = [each for each in attempts(task, parent) if each.status == "failed"]  # failed earlier: tried again
        for number in range(1, total + 1):
            tried = [each for each in attempts(task, parent) if each not in failed]
            if not (left := _left(tried, number, wanted)):
                continue
            settings, pruner = _drawn(task, space, parent, tried, number) if sampled else (grid[number - 1], None)
            what = ", ".join(f"{key.rpartition('.')[2]}={value}" for key, value in settings.items())
            for seed in left:
                with activity.doing(f"trial {number} of {total}: {what}, seed {seed}"):
                    # Only the first seed can end early: trials are compared by its curve.
                    callbacks = [pruner] if pruner and seed == base.seed else []
                    changes = {**settings, "seed": seed}
                    if not _attempt(task, base, changes, parent, number, callbacks, start_it):
                        break
        swept = _ranked(task, parent)
        report(swept)
    return swept


def _left(tried: Sequence[Attempt], number: int, seeds: Sequence[int]) -> list[int]:
    """The seeds with which a trial is still to be run: none once one of them fell behind the other trials."""
    done = {each.seed: each.status for each in tried if each.number == number}
    return [] if "pruned" in done.values() else [seed for seed in seeds if seed not in done]


def _succeeded(task: Task, parent: str) -> list[Attempt]:
    return [each for each in attempts(task, parent) if each.status != "failed"]


def _drawn(
    task: Task, space: SearchSpace, parent: str, tried: Sequence[Attempt], number: int
) -> tuple[Settings, Pruner]:
    """The settings of the trial of this number, drawn by Optuna unless it was begun before, and its pruner."""
    from pipelines import sampling  # imports Keras and Optuna, which a grid does not need

    begun = [run for run in nested_runs.children_of(task.name, parent) if run.data.tags.get(NUMBER) == str(number)]
    settings, curve = None, []
    for run in begun:
        settings = json.loads(run.data.tags[SETTINGS])
        if run.info.status != "FAILED" and tracking.MONITOR in run.data.tags:
            curve = tracking.by_epoch(run.info.run_id, run.data.tags[tracking.MONITOR])
    drawn = sampling.draw(space, tried, _higher_is_better(task, parent), number, settings, curve)
    return drawn.params, sampling.Pruner(drawn)


def _attempt(
    task: Task,
    base: TaskConfig,
    changes: Settings,
    parent: str,
    number: int,
    callbacks: Sequence[keras.callbacks.Callback],
    start: Callable[[TaskConfig], Any],
) -> bool:
    """Run one child; if it fails, the sweep goes on. Returns whether the trial's other seeds are wanted."""
    settings = json.dumps({key: value for key, value in changes.items() if key != "seed"})
    tags = {NUMBER: str(number), SEED: str(changes["seed"]), SETTINGS: settings, nested_runs.PARENT: parent}
    with trial.surrounded(tags, callbacks):
        try:
            nested_runs.adopt(parent, start(override(base, changes)).run_id, tags)
        except trial.Pruned:
            _mark(task, parent, tags, trial.PRUNED, "True")
            return False
        except ServerError:
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            _mark(task, parent, tags, ERROR, " ".join(str(error).split()) or type(error).__name__)
    return True


def _mark(task: Task, parent: str, tags: Mapping[str, str], name: str, value: str) -> None:
    """Tag the newest run of an attempt; or the parent, if the attempt failed during `prepare`, before it had a run."""
    for run in nested_runs.children_of(task.name, parent):
        if tags.items() <= run.data.tags.items() and run.info.status != "FINISHED":
            tracking.set_tags(run.info.run_id, {name: value})
            return
    failed = {"settings": json.loads(tags[SETTINGS]), "error": value[:ERROR_LENGTH]}
    tracking.set_tags(parent, {f"{ERROR}.{tags[NUMBER]}.{tags[SEED]}": json.dumps(failed)})


def attempts(task: Task, parent: str) -> list[Attempt]:
    """The attempts below a parent, sorted by trial and seed: the last run of each, interrupted runs left out."""
    found = dict(_failed_without_run(parent))
    for run in reversed(nested_runs.children_of(task.name, parent)):
        if NUMBER in run.data.tags and (attempt := _read(run)):
            found[attempt.number, attempt.seed] = attempt
    return [found[key] for key in sorted(found)]


def _failed_without_run(parent: str) -> Iterator[tuple[tuple[int, int], Attempt]]:
    for name, value in tracking.get_run(parent).data.tags.items():
        if name.startswith(f"{ERROR}."):
            number, seed = (int(part) for part in name.split(".")[1:])
            failed = Attempt(
                number=number, seed=seed, status="failed", run_id="", figure=None, curve=(), **json.loads(value)
            )
            yield (number, seed), failed


def _read(run: Run) -> Attempt | None:
    """A run as an attempt; None while its result is not known."""
    tags, finished = run.data.tags, run.info.status == "FINISHED"  # even if it had failed before it was resumed
    metric = tags.get(tracking.MONITOR, "")
    figure, error = run.data.metrics.get(metric), tags.get(ERROR, "")
    if finished and (figure is None or not math.isfinite(figure)):
        finished, error = False, f"{metric or 'the validation metric'} is {figure}"
    status = "finished" if finished else "pruned" if trial.PRUNED in tags else "failed" if error else None
    if status is None:
        return None
    return Attempt(
        number=int(tags[NUMBER]),
        seed=int(tags[SEED]),
        settings=json.loads(tags[SETTINGS]),
        status=status,
        run_id=run.info.run_id,
        figure=figure if finished else None,
        curve=_curve(run.info.run_id, run.info.status, metric),
        error="" if finished else error,
    )


@functools.lru_cache(maxsize=4096)  # read before each trial, for all earlier trials
def _curve(run_id: str, status: str, metric: str) -> tuple[float, ...]:
    """A metric by epoch of an ended run. If the run goes on later, its status changes, and the cache misses."""
    return tuple(tracking.by_epoch(run_id, metric)) if metric else ()


def _ranked(task: Task, parent: str) -> Swept:
    """The trials, the best first.

    Raises:
        UserError: none has finished.
    """
    tried, higher = attempts(task, parent), _higher_is_better(task, parent)
    finished = [attempt for attempt in tried if attempt.status == "finished"]
    if not finished:
        raise UserError(f"no trial of {len(tried)} has finished; the first: {tried[0].error or tried[0].status}")
    numbers = dict.fromkeys(attempt.number for attempt in tried)
    trials = [_over_seeds([each for each in tried if each.number == number]) for number in numbers]
    sign = -1 if higher else 1
    trials.sort(key=lambda each: (each.mean is None, sign * (each.mean or 0.0)))
    runs = [tracking.get_run(attempt.run_id) for attempt in finished]
    return Swept(
        task=task.name,
        metric=runs[0].data.tags[tracking.MONITOR],
        higher_is_better=higher,
        trials=tuple(trials),
        parent=parent,
        alike=len({run.data.tags.get("test_digest") for run in runs}) == 1,
    )


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
    """Whether a higher validation metric is better; a run knows this once it has trained."""
    for run in nested_runs.children_of(task.name, parent):
        if tracking.MONITOR_DIRECTION in run.data.tags:
            return run.data.tags[tracking.MONITOR_DIRECTION] == "higher"
    return False
