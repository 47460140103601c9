"""A recipe as one parent run in MLflow with a child for each variant and seed; finished children are not run again."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from pipelines import nested_runs, tracking
from rnn_tasks import activity
from rnn_tasks.config import TaskConfig
from rnn_tasks.evaluation import over_seeds
from rnn_tasks.files import json_digest
from rnn_tasks.recipe import Recipe
from rnn_tasks.registry import get_task
from rnn_tasks.task import StageResult

if TYPE_CHECKING:
    from pipelines.flow import Outcome
    from pipelines.tracking import Run

RECIPE, VARIANT, SEED = "recipe", "recipe_variant", "recipe_seed"


class Measured(StageResult):
    """A variant's figure over its seeds.

    Attributes:
        values: one a seed, in their order.
        low, high: the 95 % interval of the mean (Student's t); None with a single seed.
        statistic: "mean" or "median": which of the two is compared.
        seconds: of all its runs, all stages.
        beside: further metrics, one value a seed.
        deviations: where the protocol was not kept; empty when it was.
    """

    recipe: str
    variant: str
    published: float | None
    bar: float | None
    aim: float | None
    metric: str
    statistic: str
    values: tuple[float, ...]
    mean: float
    median: float
    low: float | None
    high: float | None
    seconds: float
    beside: dict[str, tuple[float, ...]]
    deviations: tuple[str, ...]


def reproduce(
    recipe: Recipe,
    run: Callable[[TaskConfig], Outcome],
    *,
    variants: Sequence[str] = (),
    seeds: int = 0,
    data: str | None = None,
    fresh: bool = False,
) -> list[Measured]:
    """Run what has not been run yet, and measure.

    Args:
        recipe: what to repeat.
        run: a task's whole chain on a config.
        variants: some of the recipe's; all by default.
        seeds: how many of each; 0 is the recipe's number.
        data: where the user's data lie; the recipe's own source by default.
        fresh: forget what an interrupted reproduction has finished.

    Raises:
        UserError: another process reproduces the same.
    """
    chosen, count = list(variants or recipe.variants), seeds or recipe.seeds
    task = get_task(recipe.task)
    configs = {
        (variant, seed): recipe.config(task, variant, seed, data) for variant in chosen for seed in range(1, count + 1)
    }
    with nested_runs.parent(
        task.name,
        RECIPE,
        f"reproduce {recipe.name}",
        json_digest([recipe.model_dump(mode="json"), data]),
        {RECIPE: recipe.name, "data": data or ""},
        is_whole=lambda parent: configs.keys() <= _finished(recipe, parent).keys(),
        fresh=fresh,
    ) as parent:
        done = _finished(recipe, parent)
        for number, ((variant, seed), config) in enumerate(configs.items()):
            if (variant, seed) in done:
                continue
            with activity.doing(f"{variant}, seed {seed} (run {number + 1} of {len(configs)})"):
                run_id = run(config).run_id
            nested_runs.adopt(parent, run_id, {VARIANT: variant, SEED: str(seed)})
        done = _finished(recipe, parent)
        measured = [
            _measured(recipe, variant, [done[variant, seed] for seed in range(1, count + 1)]) for variant in chosen
        ]
        for each in measured:
            figures = {"mean": each.mean, "median": each.median, "low": each.low, "high": each.high}
            tracking.log_metrics(
                parent, {f"{each.variant}/{name}": value for name, value in figures.items() if value is not None}
            )
    return measured


def last_measured(recipe: Recipe) -> list[Measured]:
    """The figures of the recipe's last complete run; an empty list if there is none."""
    for parent in nested_runs.parents_of(recipe.task, RECIPE, {RECIPE: recipe.name}):
        if parent.info.status == "FINISHED":
            done = _finished(recipe, parent.info.run_id)
            by_variant = {
                variant: [run for (name, _), run in sorted(done.items(), key=lambda item: item[0]) if name == variant]
                for variant in recipe.variants
            }
            return [_measured(recipe, variant, runs) for variant, runs in by_variant.items() if runs]
    return []


def _finished(recipe: Recipe, parent: str) -> dict[tuple[str, int], Run]:
    """The finished children by (variant, seed)."""
    return {
        (run.data.tags[VARIANT], int(run.data.tags[SEED])): run
        for run in nested_runs.children_of(recipe.task, parent)
        if run.info.status == "FINISHED"
    }


def _measured(recipe: Recipe, variant: str, runs: Sequence[Run]) -> Measured:
    if missing := {recipe.metric, *recipe.beside} - runs[0].data.metrics.keys():
        found = ", ".join(sorted(runs[0].data.metrics))
        raise ValueError(f"recipe {recipe.name}: no metric {', '.join(sorted(missing))} among {found}")
    values, *beside = (tuple(run.data.metrics[name] for run in runs) for name in (recipe.metric, *recipe.beside))
    figures = over_seeds(values)
    described = recipe.variants[variant]
    return Measured(
        recipe=recipe.name,
        variant=variant,
        published=described.published,
        bar=described.bar,
        aim=described.aim,
        metric=recipe.metric,
        statistic=recipe.statistic,
        values=values,
        mean=figures.mean,
        median=figures.median,
        low=None if math.isnan(figures.low) else figures.low,
        high=None if math.isnan(figures.high) else figures.high,
        seconds=sum(sum(tracking.stage_seconds(run).values()) for run in runs),
        beside=dict(zip(recipe.beside, beside, strict=True)),
        deviations=tuple(_deviations(recipe, runs)),
    )


def _deviations(recipe: Recipe, runs: Sequence[Run]) -> Iterator[str]:
    if len(runs) < recipe.seeds:
        yield f"{len(runs)} seeds instead of {recipe.seeds}"
    counts = nested_runs.data_counts(runs[0])
    for name, wanted in recipe.counts.items():
        if counts.get(name) != wanted:
            yield f"{name} has {counts.get(name, 'nothing')} instead of {wanted}"
