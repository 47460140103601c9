"""The command `rnn-tasks reproduce`: what it checks, runs and shows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from json import dumps
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipelines import store_checks
from pipelines.launch import run_flow, working
from pipelines.presentation import print_whole
from pipelines.settings import get_settings
from rnn_tasks.errors import UserError
from rnn_tasks.recipe import Recipe, load_recipe, recipe_names
from rnn_tasks.registry import get_task

if TYPE_CHECKING:
    from pipelines.reproduction import Measured


def reproduce(
    recipe: Annotated[str | None, Parameter(help="A recipe's name; without one, all are listed.")] = None,
    /,
    *,
    variant: Annotated[tuple[str, ...], Parameter(show_default=False)] = (),
    seeds: int = 0,
    data: str | None = None,
    fresh: bool = False,
    json: bool = False,
    quiet: bool = False,
) -> None:
    """Repeat a published experiment over several seeds, and print the published figure beside ours.

    One parent run in MLflow, with a child for each variant and seed. When the same command is given again after a
    kill, finished children are not run again.

    Parameters
    ----------
    variant
        Only this one of the models that the recipe compares; may be given several times.
    seeds
        Runs of each; by default as many as the recipe says.
    data
        Where the data set lies; by default the recipe's own source.
    fresh
        Forget what an interrupted reproduction has finished.
    json
        End standard output with one JSON line; everything else goes to standard error.
    quiet
        Say nothing but the result and errors.
    """
    if recipe is None:
        store_checks.check(get_settings(), writes=False)
        show_recipes()
        return
    chosen = _checked(load_recipe(recipe), variant, seeds, data)
    store_checks.check(get_settings(), writes=True)
    with working(f"reproduce {recipe}", quiet):
        measured = _run(chosen, variant, seeds, data, fresh)
    if json:
        print(as_json(chosen, measured))
    else:
        show(chosen, measured)


def _checked(recipe: Recipe, variants: Sequence[str], seeds: int, data: str | None) -> Recipe:
    """Check, before anything is imported, that what was asked for can be run; return the recipe.

    Raises:
        UserError: an unknown variant, a number of seeds below 0, data that are not there.
    """
    for variant in variants:
        if variant not in recipe.variants:
            raise UserError(f"--variant: found {variant!r}; {recipe.name} has {', '.join(recipe.variants)}")
    if seeds < 0:
        raise UserError(f"--seeds: found {seeds}; accepted is 1 or more, and 0 for as many as the recipe says")
    task = get_task(recipe.task)
    for variant in variants or recipe.variants:
        task.inputs(recipe.config(task, variant, 1, data))
    return recipe


def _run(recipe: Recipe, variants: Sequence[str], seeds: int, data: str | None, fresh: bool) -> list[Measured]:
    """Run the missing children, and measure."""
    from pipelines.reproduction import reproduce

    return reproduce(
        recipe,
        lambda config: run_flow(recipe.task, config),
        variants=variants,
        seeds=seeds,
        data=data,
        fresh=fresh,
    )


def as_json(recipe: Recipe, measured: Sequence[Measured]) -> str:
    """One line: the first variant's figures, and those of all."""
    first, *_ = rows = [
        {
            **each.model_dump(mode="json", exclude={"deviations"}),
            "protocol_kept": not each.deviations,
            "deviations": list(each.deviations),
        }
        for each in measured
    ]
    return dumps({**first, "variants": rows} if len(recipe.variants) > 1 else first)


def show(recipe: Recipe, measured: Sequence[Measured]) -> None:
    """Published and ours, side by side, with the protocol."""
    console = Console()
    console.print(f"[bold]{recipe.name}[/]: {escape(recipe.summary)}\n", highlight=False, soft_wrap=True)
    table = Table("variant", "published", recipe.metric, "median", "95 % interval", "seeds", *recipe.beside, box=None)
    for each in measured:
        interval = "" if each.low is None else f"{each.low:,.5g} … {each.high:,.5g}"
        beside = [f"{sum(values) / len(values):,.5g}" for values in each.beside.values()]
        mean, median = f"{each.mean:,.5g}{_verdict(recipe, each)}", f"{each.median:,.5g}"
        table.add_row(each.variant, _number(each.published), mean, median, interval, str(len(each.values)), *beside)
    print_whole(table)
    kept = sorted({deviation for each in measured for deviation in each.deviations})
    minutes = sum(each.seconds for each in measured) / 60
    console.print(
        f"\n[bold]published[/]  {escape(recipe.source)}"
        f"\n[bold]protocol[/]   {escape(' '.join(recipe.protocol.split()))}"
        f"\n[bold]kept[/]       {escape('yes' if not kept else 'no: ' + '; '.join(kept))}"
        f"\n[bold]took[/]       {minutes:.1f} minutes; the interval is Student's t over seeds",
        soft_wrap=True,
        highlight=False,
    )


def show_recipes() -> None:
    """Every recipe with its published figures, and those that were measured here last."""
    from pipelines.reproduction import last_measured

    table = Table("recipe", "variant", "metric", "published", "ours", "seeds", "minutes", box=None)
    for recipe in map(load_recipe, recipe_names()):
        ours = {each.variant: each for each in last_measured(recipe)}
        cost = f"{recipe.minutes:g}" + (" (GPU)" if recipe.needs_gpu else "")
        for number, (name, variant) in enumerate(recipe.variants.items()):
            found = ours.get(name)
            figure = "" if found is None else f"{_compared(found):,.5g}{_verdict(recipe, found)}"
            seeds = str(len(found.values)) if found else ""
            first = (f"[bold]{recipe.name}[/]", cost) if number == 0 else ("", "")
            table.add_row(first[0], name, recipe.metric, _number(variant.published), figure, seeds, first[1])
    print_whole(table)


def _compared(measured: Measured) -> float:
    return measured.median if measured.statistic == "median" else measured.mean


def _verdict(recipe: Recipe, measured: Measured) -> str:
    """Whether the figure reaches the bar, or even the aim; empty if the recipe has none."""
    for limit, sign in ((measured.aim, " ★"), (measured.bar, " ✓")):
        if limit is not None and not _is_worse(_compared(measured), limit, recipe.higher_is_better):
            return sign
    return " ✗" if measured.bar is not None else ""


def _is_worse(value: float, limit: float, higher_is_better: bool) -> bool:
    return math.isnan(value) or (value < limit if higher_is_better else value > limit)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.5g}"
