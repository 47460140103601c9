"""The command `rnn-tasks sweep`: what it checks, runs and shows."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from json import dumps, loads
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipelines import search_space, store_checks
from pipelines.arguments import chosen_config
from pipelines.launch import import_tensorflow, run_flow, working
from pipelines.presentation import print_whole
from pipelines.settings import get_settings
from rnn_tasks.config import override
from rnn_tasks.errors import UserError
from rnn_tasks.registry import get_task

if TYPE_CHECKING:
    from pipelines.search_space import SearchSpace
    from pipelines.sweep import Swept
    from rnn_tasks.config import TaskConfig


def sweep(
    task: Annotated[str, Parameter(help="A task's name; `rnn-tasks list` shows them.")],
    /,
    *,
    set_: Annotated[tuple[str, ...], Parameter(name="--set", show_default=False)] = (),
    seeds: int = 1,
    optuna: int = 0,
    preset: str = "quick",
    data: str | None = None,
    seed: int | None = None,
    fresh: bool = False,
    json: bool = False,
    quiet: bool = False,
) -> None:
    """Try many settings, and rank them by the validation metric that chooses a run's epoch.

    One parent run in MLflow, with a child for each trial and seed. When the same command is given again after a kill,
    what has finished is not run again; with more seeds or samples, only these are run. No model becomes champion:
    `rnn-tasks promote` does that.

    Parameters
    ----------
    set_
        key=value is fixed; key=value,value (or a JSON list) varies, every combination is tried; key=low..high, or
        key=low..high log, is a range for --optuna.
    seeds
        Runs of each trial, whose mean counts.
    optuna
        Draw so many trials, later ones near the best so far; those that fall behind end early.
    preset
        The config to start from.
    data
        A path, or the name of a data source; short for --set data.source=DATA.
    seed
        The first seed.
    fresh
        Forget what an interrupted sweep has finished.
    json
        End standard output with one JSON line; everything else goes to standard error.
    quiet
        Say nothing but the result and errors.
    """
    space, base = _checked(task, set_, seeds, optuna, preset, data, seed)
    store_checks.check(get_settings(), writes=True)
    with working(f"sweep {task}", quiet):
        swept = _run(task, base, space, seeds, optuna, fresh)
    if json:
        print(as_json(swept))
    else:
        start = ["rnn-tasks", "run", task, *(["--preset", preset] if preset != "quick" else [])]
        chosen = {"--data": data, "--seed": None if seed is None else str(seed)}
        options = [part for name, value in chosen.items() if value is not None for part in (name, value)]
        show(space, swept, [*start, *options], base.is_trial)


def _checked(
    task: str, assignments: tuple[str, ...], seeds: int, optuna: int, preset: str, data: str | None, seed: int | None
) -> tuple[SearchSpace, TaskConfig]:
    """The space and the config, on which every value was tried before anything is imported.

    Raises:
        UserError: what cannot be run.
    """
    declared = get_task(task)
    for option, value, least in (("--seeds", seeds, 1), ("--optuna", optuna, 0)):
        if value < least:
            raise UserError(f"{option}: found {value}; accepted is {least} or more")
    space = search_space.parse(assignments, by_grid=not optuna)
    space, base = search_space.check(space, chosen_config(declared, preset, data, (), seed))
    for settings in space.corners():
        declared.inputs(override(base, settings))
    return space, base


def _run(task: str, base: TaskConfig, space: SearchSpace, seeds: int, optuna: int, fresh: bool) -> Swept:
    """Run what is missing, and rank; table and figure lie beside the parent."""
    if optuna:
        import_tensorflow()
    from pipelines import swept_report
    from pipelines.sweep import sweep

    return sweep(
        get_task(task),
        base,
        space,
        lambda config, anew: run_flow(task, config, anew, promote="never"),
        seeds=seeds,
        sampled=optuna,
        fresh=fresh,
        report=lambda swept: swept_report.log(space, swept),
    )


def as_json(swept: Swept) -> str:
    """One line: the best settings, and every trial; null for what is no number."""
    best = {"settings": swept.best.settings, "mean": swept.best.mean, "run_id": swept.best_attempt().run_id}
    return dumps({**loads(swept.model_dump_json()), "best": best})


def show(space: SearchSpace, swept: Swept, start: Sequence[str], is_trial: bool = False) -> None:
    """The trials, the best first; what failed; how to go on.

    Args:
        start: the command that runs the task without what was set.
        is_trial: whether no model of it may be champion.
    """
    from pipelines import tracking

    table = Table("trial", *space.varied, swept.metric, "lowest … highest", "runs", box=None)
    for trial in swept.trials:
        mean = "" if trial.mean is None else f"{trial.mean:,.5g}"
        spread = "" if trial.low is None or trial.count("finished") < 2 else f"{trial.low:,.5g} … {trial.high:,.5g}"
        runs = ", ".join(f"{n} {status}" for status in ("finished", "pruned", "failed") if (n := trial.count(status)))
        values = [escape(_short(trial.settings[key])) for key in space.varied]
        table.add_row(str(trial.number), *values, mean, spread, runs)
    print_whole(table)
    failed = [attempt for trial in swept.trials for attempt in trial.attempts if attempt.status == "failed"]
    console = Console()
    for attempt in failed:
        console.print(
            f"[bold]failed[/]   trial {attempt.number}, seed {attempt.seed}: {escape(attempt.error)}",
            soft_wrap=True,
            highlight=False,
        )
    chosen = {**space.fixed, **swept.best.settings}
    command = shlex.join(
        [*start, *(part for key, value in chosen.items() for part in ("--set", _assigned(key, value)))]
    )
    if not swept.alike:
        console.print("[bold]beware[/]   trials differ in their data, so their figures do not compare", highlight=False)
    promote = f"rnn-tasks promote {swept.task} {swept.best_attempt().run_id}"
    console.print(
        f"\n[bold]best[/]     {escape(command)}"
        f"\n[bold]promote[/]  {'trials of this preset are never champion' if is_trial else promote}"
        f"\n[bold]look[/]     make ui, then {escape(tracking.page(swept.parent))}",
        soft_wrap=True,
        highlight=False,
    )


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _assigned(key: str, value: object) -> str:
    return f"{key}={value if isinstance(value, str) else dumps(value)}"
